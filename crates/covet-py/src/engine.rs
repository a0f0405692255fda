//! `Engine`: one application's server on one event loop, as the Python half starts and drains it.

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use covet_server::access_log::{AccessLog, Format};
use covet_server::counters::{Counters, Peers};
use covet_server::handler::Service;
use covet_server::http1::{BodyLimits, HeadLimits};
use covet_server::proxies::{Fields, Trusted};
use covet_server::routing::RouterBuilder;
use covet_server::server::Server;
use covet_server::settings::Settings;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::invoke::{Debug, Invoker};
use crate::plan::{CallPlan, Compiled};
use crate::runner::Runner;
use crate::runtime::{Pool, SharedSlots, ThreadBound};
use crate::static_files::StaticFiles;
use crate::{imports, runtime};

/// One application's server. Lives on the thread of its loop.
#[pyclass(frozen, module = "covet._native")]
pub struct Engine {
    state: ThreadBound<State>,
}

struct State {
    app: Py<PyAny>,
    compiled: RefCell<Vec<Compiled>>,
    files: Vec<StaticFiles>,
    settings: Settings,
    more: More,
    peers: RefCell<Option<SharedSlots>>,
    /// Between two beats; zero for none.
    beat: Cell<Duration>,
    running: RefCell<Option<Rc<Running>>>,
    closed: Cell<bool>,
}

/// Settings that are the bindings' own.
struct More {
    pool_threads: usize,
    debug: Option<Debug>,
    access_log: bool,
    access_log_file: Option<PathBuf>,
    access_log_format: Format,
    access_log_sample: f64,
}

struct Running {
    server: Server,
    pool: Rc<Pool>,
    event_loop: Py<PyAny>,
}

#[pymethods]
impl Engine {
    /// Compile. Two routes that could both match: `ConfigurationError` that names both origins.
    #[new]
    fn new(
        py: Python<'_>,
        app: Py<PyAny>,
        routes: &Bound<'_, PyAny>,
        files: &Bound<'_, PyAny>,
        settings: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let debug = settings.getattr("debug")?.extract()?;
        let mut compiled = Vec::new();
        let mut probe = RouterBuilder::new();
        for (id, route) in routes.try_iter()?.enumerate() {
            let route = CallPlan::compile(&route?, id, debug)?;
            join(py, &mut probe, &route)?;
            compiled.push(route);
        }
        let mut directories = Vec::new();
        for plan in files.try_iter()? {
            let directory = StaticFiles::compile(&plan?)?;
            directory.join(py, &mut probe)?;
            directories.push(directory);
        }
        let (settings, more) = read(settings)?;
        Ok(Self {
            state: ThreadBound::new(State {
                app,
                compiled: RefCell::new(compiled),
                files: directories,
                settings,
                more,
                peers: RefCell::new(None),
                beat: Cell::default(),
                running: RefCell::new(None),
                closed: Cell::new(false),
            }),
        })
    }

    /// Map the memory file of the server's processes, and beat in our slot of it every `beat` seconds. Before `start`.
    fn share(&self, fd: i32, slot: usize, slots: usize, beat: f64) -> PyResult<()> {
        let state = self.state.get()?;
        *state.peers.borrow_mut() = Some(SharedSlots::map(fd, slot, slots)?);
        state
            .beat
            .set(Duration::try_from_secs_f64(beat).unwrap_or_default());
        Ok(())
    }

    /// Open the access log's file anew.
    fn reopen_log(&self) -> PyResult<()> {
        if let Some(running) = self.state.get()?.running.borrow().as_ref() {
            running.server.reopen_log();
        }
        Ok(())
    }

    /// Accept on listening sockets, of which it takes duplicates.
    #[pyo3(name = "start", signature = (r#loop, fds))]
    fn start(&self, r#loop: &Bound<'_, PyAny>, fds: Vec<i32>) -> PyResult<()> {
        let state = self.state.get()?;
        if state.running.borrow().is_some() || state.closed.get() {
            return Err(PyRuntimeError::new_err("an engine starts once"));
        }
        let sockets = fds
            .into_iter()
            .map(runtime::duplicate)
            .collect::<std::io::Result<Vec<_>>>()?;
        let running = runtime::enter(r#loop, || state.serve(r#loop, sockets))??;
        *state.running.borrow_mut() = Some(Rc::new(running));
        Ok(())
    }

    /// Stop accepting, finish what runs, abort the rest after `timeout` seconds, then call `done` once.
    fn drain(&self, py: Python<'_>, timeout: f64, done: Py<PyAny>) -> PyResult<()> {
        let Some(running) = self.state.get()?.running.borrow().clone() else {
            return Err(PyRuntimeError::new_err(
                "an engine that was not started cannot drain",
            ));
        };
        let event_loop = running.event_loop.clone_ref(py);
        runtime::spawn(event_loop.bind(py), async move {
            running.server.drain();
            let patience = Duration::try_from_secs_f64(timeout).unwrap_or_default();
            if tokio::time::timeout(patience, running.server.finished())
                .await
                .is_err()
            {
                running.server.abort();
                running.server.finished().await;
            }
            runtime::attached(|py| {
                if let Err(error) = done.call0(py) {
                    error.write_unraisable(py, None);
                }
            });
        })
    }

    /// Cut every connection now.
    fn abort(&self) -> PyResult<()> {
        if let Some(running) = self.state.get()?.running.borrow().as_ref() {
            running.server.abort();
        }
        Ok(())
    }

    /// Let go of everything.
    fn close(&self) -> PyResult<()> {
        let state = self.state.get()?;
        state.closed.set(true);
        let running = state.running.borrow_mut().take();
        if let Some(running) = running {
            running.pool.close();
        }
        state.compiled.borrow_mut().clear();
        Ok(())
    }

    /// Requests that an abort cut: their handlers worked, or their answers were not out.
    #[getter]
    fn cut(&self) -> PyResult<u64> {
        let running = self.state.get()?.running.borrow().clone();
        Ok(running.map_or(0, |running| running.server.counters().cut()))
    }

    /// Jobs of the thread pool that wait or run.
    #[getter]
    fn busy(&self) -> PyResult<usize> {
        let running = self.state.get()?.running.borrow().clone();
        Ok(running.map_or(0, |running| running.pool.busy()))
    }

    /// Open connections.
    #[getter]
    fn connections(&self) -> PyResult<u64> {
        let running = self.state.get()?.running.borrow().clone();
        Ok(running.map_or(0, |running| running.server.counters().connections()))
    }
}

impl State {
    fn serve(&self, event_loop: &Bound<'_, PyAny>, sockets: Vec<OwnedFd>) -> PyResult<Running> {
        let py = event_loop.py();
        let mut builder = RouterBuilder::new();
        let mut plans = Vec::new();
        for compiled in self.compiled.take() {
            join(py, &mut builder, &compiled)?;
            plans.push(Arc::new(compiled.plan));
        }
        for files in &self.files {
            files.join(py, &mut builder)?;
        }
        let pool = Rc::new(Pool::new(self.more.pool_threads));
        let invoker = Invoker {
            plans,
            app: self.app.clone_ref(py),
            runner: Rc::new(Runner {
                event_loop: event_loop.clone().unbind(),
                pool: Rc::clone(&pool),
            }),
            debug: self.more.debug,
        };
        let access = match &self.more.access_log_file {
            Some(path) if path.as_os_str() != "-" => Some(AccessLog::to_file(path)?),
            None if !self.more.access_log => None,
            _ => Some(AccessLog::new(Box::new(std::io::stdout()))?),
        }
        .map(|log| {
            log.with_format(self.more.access_log_format.clone())
                .with_sample(self.more.access_log_sample)
        });
        let peers = self
            .peers
            .borrow_mut()
            .take()
            .map(|slots| Box::new(slots) as Box<dyn Peers>);
        let service = Service {
            router: builder.build(),
            handler: Box::new(invoker),
        };
        let mut server = Server::new(self.settings.clone(), service, access, Counters::new(peers));
        for socket in sockets {
            server.listen(socket)?;
        }
        server.beat_every(self.beat.get());
        Ok(Running {
            server,
            pool,
            event_loop: event_loop.clone().unbind(),
        })
    }
}

fn join(
    py: Python<'_>,
    builder: &mut RouterBuilder<covet_server::handler::Route>,
    compiled: &Compiled,
) -> PyResult<()> {
    let methods: Vec<&str> = compiled.methods.iter().map(String::as_str).collect();
    let added = builder.add(
        &methods,
        compiled.pattern.clone(),
        compiled.route.clone(),
        &compiled.origin,
    );
    match added {
        Ok(()) => Ok(()),
        Err(conflict) => {
            let class = imports::configuration_error(py)?;
            Err(PyErr::from_value(class.call1((conflict.to_string(),))?))
        }
    }
}

/// Read a `ServerSettings`, once.
fn read(given: &Bound<'_, PyAny>) -> PyResult<(Settings, More)> {
    let number = |name: &str| -> PyResult<usize> { given.getattr(name)?.extract() };
    let time = |name: &str| -> PyResult<Duration> {
        let seconds: f64 = given.getattr(name)?.extract()?;
        Duration::try_from_secs_f64(seconds)
            .map_err(|error| PyValueError::new_err(format!("{name} is {seconds}: {error}")))
    };
    let settings = Settings {
        head: HeadLimits {
            target: number("max_target")?,
            head: number("max_head")?,
            fields: number("max_fields")?,
        },
        body: BodyLimits {
            max_body: given.getattr("max_body")?.extract()?,
            extensions: number("max_chunk_extensions")?,
            trailers: number("max_trailers")?,
            trailer_fields: number("max_trailer_fields")?,
        },
        head_timeout: time("head_timeout")?,
        body_timeout: time("body_timeout")?,
        body_min_rate: number("body_min_rate")? as u64,
        body_rate_grace: time("body_rate_grace")?,
        write_timeout: time("write_timeout")?,
        keep_alive: time("keep_alive")?,
        max_age: time("connection_max_age")?,
        linger: time("linger")?,
        drain_quiet: time("drain_quiet")?,
        max_connections: number("max_connections")?,
        max_connections_per_address: given.getattr("max_connections_per_address")?.extract()?,
        max_concurrency: given.getattr("max_concurrency")?.extract()?,
        queue: number("queue")?,
        max_pipelined: number("max_pipelined")?,
        max_unsent: number("max_unsent")?,
        max_discard: number("max_discard")? as u64,
        max_body_ratio: number("max_body_ratio")? as u64,
        half_close: given.getattr("half_close")?.extract()?,
        trusted_proxies: trusted(&given.getattr("trusted_proxies")?)?,
        forwarded_fields: forwarded(&given.getattr("forwarded_fields")?)?,
        proxy_protocol: given.getattr("proxy_protocol")?.extract()?,
        request_ids: given.getattr("request_id")?.extract()?,
        slow_request: if given.getattr("slow_request")?.is_none() {
            None
        } else {
            Some(time("slow_request")?)
        },
        tcp_user_timeout: if given.getattr("tcp_user_timeout")?.is_none() {
            None
        } else {
            Some(time("tcp_user_timeout")?)
        },
        sendfile: !given.getattr("copy_files")?.extract::<bool>()?,
    };
    let more = More {
        pool_threads: number("pool_threads")?,
        debug: if given.getattr("debug")?.extract()? {
            let locals = given.getattr("debug_locals")?.extract()?;
            Some(Debug { locals })
        } else {
            None
        },
        access_log: given.getattr("access_log")?.extract()?,
        access_log_file: given.getattr("access_log_file")?.extract()?,
        access_log_format: Format::parse(given.getattr("access_log_format")?.extract()?)
            .map_err(|error| PyValueError::new_err(error.to_string()))?,
        access_log_sample: given.getattr("access_log_sample")?.extract()?,
    };
    Ok((settings, more))
}

fn trusted(given: &Bound<'_, PyAny>) -> PyResult<Trusted> {
    let words: Vec<String> = given.extract()?;
    Trusted::parse(words.iter().map(String::as_str))
        .map_err(|error| PyValueError::new_err(error.to_string()))
}

fn forwarded(given: &Bound<'_, PyAny>) -> PyResult<Fields> {
    match given.extract::<&str>()? {
        "any" => Ok(Fields::Any),
        "x-forwarded" => Ok(Fields::XForwarded),
        "forwarded" => Ok(Fields::Forwarded),
        other => Err(PyValueError::new_err(format!(
            "no fields are called {other:?}"
        ))),
    }
}

/// The signal that this process gets when its parent ends; 0 for none. Linux only, else nothing.
///
/// # Errors
/// `OSError` for a number that is no signal.
#[pyfunction]
pub fn set_parent_death_signal(signum: i32) -> PyResult<()> {
    Ok(runtime::set_parent_death_signal(signum)?)
}
