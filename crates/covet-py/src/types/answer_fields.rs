//! [`AnswerFields`]: the header fields of an answer as they will be sent, without Python.
//!
//! Names are kept in lower case. What comes in has passed `field_rules`.

/// One field of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerField {
    /// The name, in lower case.
    pub name: String,
    /// The value as octets.
    pub value: Vec<u8>,
    /// Length of the value in debug, where it differs: a cookie whose `Secure` is a default.
    pub debug_length: Option<usize>,
}

impl AnswerField {
    /// A field that is the same in debug.
    #[must_use]
    pub fn new(name: String, value: Vec<u8>) -> Self {
        Self {
            name,
            value,
            debug_length: None,
        }
    }

    /// The value to send.
    #[must_use]
    pub fn sent(&self, debug: bool) -> &[u8] {
        match self.debug_length {
            Some(length) if debug => &self.value[..length],
            _ => &self.value,
        }
    }
}

/// The fields of an answer in the order they will be sent.
#[derive(Debug, Default)]
pub struct AnswerFields {
    /// The fields themselves.
    pub list: Vec<AnswerField>,
    /// Length of the body in bytes, None where it is not encoded yet.
    pub length: Option<usize>,
    /// Whether the body comes in parts, so that only the application can know its length.
    pub streamed: bool,
    /// The length that it said a body in parts has.
    pub declared: Option<u64>,
}

impl AnswerFields {
    /// The first field called `name`, compared without case.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&AnswerField> {
        self.all(name).next()
    }

    /// Every field called `name`, compared without case.
    pub fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f AnswerField> {
        self.list
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
    }

    /// Puts `field` at the end; a Content-Type takes the place of the one there is.
    pub fn add(&mut self, field: AnswerField) {
        if field.name == "content-type" {
            return self.set(field);
        }
        self.list.push(field);
    }

    /// Puts `field` where the first of its name is, or at the end; later ones of its name go.
    pub fn set(&mut self, field: AnswerField) {
        let Some(at) = self.list.iter().position(|old| old.name == field.name) else {
            return self.list.push(field);
        };
        let name = field.name.clone();
        self.list[at] = field;
        let mut index = 0;
        self.list.retain(|old| {
            index += 1;
            index - 1 <= at || old.name != name
        });
    }

    /// Removes every field called `name`; whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.list.len();
        self.list
            .retain(|field| !field.name.eq_ignore_ascii_case(name));
        self.list.len() < before
    }
}
