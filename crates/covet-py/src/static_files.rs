//! Directories that answer without Python: read from the plan once, joined to the router after the routes.

use std::path::PathBuf;
use std::sync::Arc;

use covet_server::compression::Compress;
use covet_server::files::Files;
use covet_server::handler::Route;
use covet_server::routing::{Pattern, RouterBuilder};
use pyo3::prelude::*;

use crate::imports;
use crate::plan::compress;

/// A `FilesPlan` of Python, ready.
#[derive(Debug)]
pub(crate) struct StaticFiles {
    /// Without a slash at its end; empty for the root.
    path: String,
    origin: String,
    files: Arc<Files>,
    compress: Option<Compress>,
}

impl StaticFiles {
    /// From a `FilesPlan`. No such directory: `ConfigurationError`.
    pub(crate) fn compile(plan: &Bound<'_, PyAny>) -> PyResult<Self> {
        let directory: PathBuf = plan.getattr("directory")?.extract()?;
        let origin: String = plan.getattr("origin")?.extract()?;
        let files = Files::new(&directory, plan.getattr("spa")?.extract()?).map_err(|error| {
            let shown = directory.display();
            let message = format!("{origin}: the directory {shown} cannot be served: {error}");
            imports::configuration(plan.py(), &message)
        })?;
        Ok(Self {
            path: plan.getattr("path")?.extract()?,
            origin,
            files: Arc::new(files),
            compress: compress(plan)?,
        })
    }

    /// Add it behind every route. A route for the same paths: `ConfigurationError`.
    pub(crate) fn join(&self, py: Python<'_>, builder: &mut RouterBuilder<Route>) -> PyResult<()> {
        let mistake =
            |text: String| imports::configuration(py, &format!("{}: {text}", self.origin));
        let below = Pattern::parse(&format!("{}/{{path:path}}", self.path));
        let below = below.map_err(|error| mistake(error.to_string()))?;
        builder
            .add(&["GET"], below, self.route(), &self.origin)
            .map_err(|conflict| imports::configuration(py, &conflict.to_string()))?;
        if !self.path.is_empty() {
            let itself = Pattern::parse(&self.path).map_err(|error| mistake(error.to_string()))?;
            // A route of the application's own goes before the way to the slash.
            let _ = builder.add(&["GET"], itself, self.route(), &self.origin);
        }
        Ok(())
    }

    fn route(&self) -> Route {
        Route {
            id: usize::MAX,
            max_body: None,
            timeout: None,
            cancel_on_disconnect: true,
            takes_body: false,
            compressed_body: false,
            compress: self.compress,
            gate: None,
            files: Some(Arc::clone(&self.files)),
        }
    }
}
