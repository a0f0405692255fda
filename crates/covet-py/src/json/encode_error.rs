//! Why a value could not be encoded, and the path to the place inside it.
//!
//! Nothing here costs anything until a failure: the path is collected while the failure
//! travels outward, one step per container.

use std::fmt;

use pyo3::prelude::*;

/// Steps of a path that are shown at its start and at its end; the middle of a longer one is left out.
const SHOWN_STEPS: usize = 8;

/// Characters of a key that a path shows.
const SHOWN_KEY: usize = 64;

/// What could not be encoded and where it is.
#[derive(Debug)]
pub struct EncodeError {
    /// The place inside the value, such as `$.items[3].price`. `$` is the value itself.
    pub path: String,
    /// What is wrong with the object there and what to do.
    pub message: String,
    /// The exception behind it, where user code raised one. It may be one that is no `Exception`,
    /// such as `KeyboardInterrupt`: then raise that instead of reporting this.
    pub cause: Option<PyErr>,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (at {})", self.message, self.path)
    }
}

impl std::error::Error for EncodeError {}

/// One step from a container to what it holds.
enum Step {
    Key(String),
    Index(usize),
}

/// A failure on its way outward. Boxed, so that the result of each value is one word.
pub(crate) struct Failure(Box<Details>);

struct Details {
    /// Innermost first.
    steps: Vec<Step>,
    message: String,
    cause: Option<PyErr>,
}

/// The result of encoding one value.
pub(crate) type Done = Result<(), Failure>;

impl Failure {
    #[cold]
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            steps: Vec::new(),
            message: message.into(),
            cause: None,
        }))
    }

    /// `cause` was raised while `doing`.
    #[cold]
    pub(crate) fn raised(doing: &str, cause: PyErr) -> Self {
        let mut failure = Self::new(format!("{doing} raised {cause}"));
        failure.0.cause = Some(cause);
        failure
    }

    /// The failure as seen from the object or dict that holds it under `key`.
    #[cold]
    pub(crate) fn under_key(mut self, key: &Bound<'_, PyAny>) -> Self {
        let key = key.str().and_then(|key| key.extract::<String>());
        let key = key.unwrap_or_else(|_| "?".to_owned());
        self.0.steps.push(Step::Key(key));
        self
    }

    /// The failure as seen from the array that holds it at `index`.
    #[cold]
    pub(crate) fn at_index(mut self, index: usize) -> Self {
        self.0.steps.push(Step::Index(index));
        self
    }

    /// The failure as seen from outside.
    pub(crate) fn finish(self) -> EncodeError {
        let Details {
            steps,
            message,
            cause,
        } = *self.0;
        let mut path = String::from("$");
        let count = steps.len();
        for (number, step) in steps.iter().rev().enumerate() {
            if count <= 2 * SHOWN_STEPS || number < SHOWN_STEPS || number >= count - SHOWN_STEPS {
                path.push_str(&step.to_string());
            } else if number == SHOWN_STEPS {
                path.push_str("...");
            }
        }
        EncodeError {
            path,
            message,
            cause,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(formatter, "[{index}]"),
            Self::Key(key) if is_identifier(key) => write!(formatter, ".{key}"),
            Self::Key(key) => {
                let shown: String = key.chars().take(SHOWN_KEY).collect();
                let dots = if shown.len() < key.len() { "..." } else { "" };
                write!(formatter, "[{shown:?}{dots}]")
            }
        }
    }
}

/// Whether a key can stand in a path without quotes.
fn is_identifier(key: &str) -> bool {
    key.len() <= SHOWN_KEY
        && key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && key
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}
