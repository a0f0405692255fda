//! Arrays and objects whose keys are data: lists, sets, tuples, dicts.

use covet_server::json::{Keys, ScanError, ScanErrorKind};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PySet, PyTuple};

use super::decode::{Course, Decoder, Got};
use super::flaw::{Flaw, Made};
use super::node::{Dict, JsonKind, Lengths, List, ListKind, NodeId};
use super::problems::Code;
use super::text;
use crate::runtime::building;

impl<'py> Decoder<'_, 'py> {
    pub(super) fn list(&mut self, list: &List) -> Got<'py> {
        let first = self.items.len();
        if !self.read_items(|_| Some(list.item))? {
            self.items.truncate(first);
            return None;
        }
        let made = self.make_list(list, first);
        self.take(made, JsonKind::Array)
    }

    /// Takes the items from `first` on.
    fn make_list(&mut self, list: &List, first: usize) -> Made<'py> {
        let py = self.py;
        let items = self.items.drain(first..);
        if list.lengths != Lengths::ANY {
            text::check_length(list.lengths, items.len(), "items")?;
        }
        let unhashable = |_| Flaw::bad(Code::Value, "holds what cannot be in a set");
        Ok(match list.kind {
            ListKind::List => building::list_of(py, items)?,
            ListKind::Tuple => PyTuple::new(py, items)?.into_any(),
            ListKind::Set => PySet::new(py, items).map_err(unhashable)?.into_any(),
            ListKind::FrozenSet => PyFrozenSet::new(py, items).map_err(unhashable)?.into_any(),
            ListKind::Called => {
                let plain = building::list_of(py, items)?;
                let made = list.class.bind(py).call1((plain,));
                made.map_err(|error| Flaw::of(py, error))?
            }
        })
    }

    pub(super) fn tuple(&mut self, nodes: &[NodeId]) -> Got<'py> {
        let first = self.items.len();
        let mut extra = 0usize;
        let whole = self.read_items(|index| {
            let node = nodes.get(index).copied();
            extra += usize::from(node.is_none());
            node
        })?;
        let read = self.items.len() - first;
        if whole && read == nodes.len() && extra == 0 {
            let made = PyTuple::new(self.py, self.items.drain(first..));
            return self.take(
                made.map(Bound::into_any).map_err(Flaw::from),
                JsonKind::Array,
            );
        }
        self.items.truncate(first);
        if whole {
            let message = format!("does not have {} items", nodes.len());
            let flaw = Flaw::Bad(Code::Length, message.into());
            return self.note(flaw, Some(JsonKind::Array.name()));
        }
        None
    }

    /// Pushes the items of an array, whose nodes `node` tells by their index; an item without a node
    /// is skipped. False where one was refused; None where the decoder has ended or there is no array.
    fn read_items(&mut self, mut node: impl FnMut(usize) -> Option<NodeId>) -> Option<bool> {
        if self.scanner.head() != b'[' {
            self.mismatch(Code::Array, "is not an array");
            return None;
        }
        let (first, mut settled) = (self.items.len(), self.problems.len());
        let (mut index, mut whole) = (0, true);
        let mut more = self
            .scanner
            .enter()
            .and_then(|()| self.scanner.first_item());
        loop {
            match more {
                Ok(true) => {}
                Ok(false) => return Some(whole),
                Err(error) => {
                    self.malformed(error);
                    break;
                }
            }
            let Some(id) = node(index) else {
                if let Err(error) = self.scanner.skip() {
                    self.malformed(error);
                    break;
                }
                index += 1;
                more = self.scanner.next_item();
                continue;
            };
            if let Some(item) = self.item(id) {
                self.items.push(item);
            } else {
                whole = false;
                self.enter_item(&mut settled, index);
                if !self.is_going() {
                    break;
                }
            }
            index += 1;
            more = self.scanner.next_item();
        }
        self.items.truncate(first);
        None
    }

    pub(super) fn dict(&mut self, dict: &Dict) -> Got<'py> {
        if self.scanner.head() != b'{' {
            return self.mismatch(Code::Object, "is not an object");
        }
        let made = PyDict::new(self.py);
        let whole = self.read_members(dict, &made)?;
        if !whole {
            return None;
        }
        let result = finish_dict(self.py, dict, made);
        self.take(result, JsonKind::Object)
    }

    /// False where a member was refused; None where the decoder has ended.
    fn read_members(&mut self, dict: &Dict, made: &Bound<'py, PyDict>) -> Option<bool> {
        let mut settled = self.problems.len();
        let mut keys = Keys::default();
        let mut whole = true;
        let mut more = self
            .scanner
            .enter()
            .and_then(|()| self.scanner.first_member());
        loop {
            match more {
                Ok(true) => {}
                Ok(false) => return Some(whole),
                Err(error) => {
                    self.malformed(error);
                    return None;
                }
            }
            let offset = self.scanner.offset();
            let key = match self.scanner.member_key() {
                Ok(key) => key,
                Err(error) => {
                    self.malformed(error);
                    return None;
                }
            };
            let converted = match self.schema.convert_scalar(self.py, dict.key, &key) {
                Ok(converted) => Some(converted),
                Err(flaw) => self.note_key(flaw),
            };
            let value = self.is_going().then(|| self.value(dict.value)).flatten();
            let is_set = match (converted, value) {
                (Some(key), Some(value)) => self.set_member(made, key, value),
                _ => false,
            };
            if !is_set {
                whole = false;
                self.enter_member(&mut settled, &key);
            }
            if !self.is_going() {
                return None;
            }
            if !keys.insert(key) {
                let kind = ScanErrorKind::DuplicateKey;
                self.malformed(ScanError { offset, kind });
                return None;
            }
            more = self.scanner.next_member();
        }
    }

    /// False where the key was there, which another text made.
    fn set_member(
        &mut self,
        made: &Bound<'py, PyDict>,
        key: Bound<'py, PyAny>,
        value: Bound<'py, PyAny>,
    ) -> bool {
        let before = made.len();
        match made.set_item(key, value) {
            Ok(()) if made.len() > before => true,
            Ok(()) => {
                let message = "has a key that means the same as another";
                self.note(Flaw::bad(Code::Key, message), Some("str"));
                false
            }
            Err(error) => {
                self.course = Course::Raised(error);
                false
            }
        }
    }

    /// A key is what its object has, so whatever is wrong with it has one code.
    #[cold]
    fn note_key(&mut self, flaw: Flaw) -> Got<'py> {
        let flaw = match flaw {
            Flaw::Bad(_, message) => {
                Flaw::Bad(Code::Key, format!("has a key that {message}").into())
            }
            other => other,
        };
        self.note(flaw, Some("str"))
    }
}

fn finish_dict<'py>(py: Python<'py>, dict: &Dict, made: Bound<'py, PyDict>) -> Made<'py> {
    text::check_length(dict.lengths, made.len(), "members")?;
    match &dict.class {
        None => Ok(made.into_any()),
        Some(class) => {
            let built = class.bind(py).call1((made,));
            built.map_err(|error| Flaw::of(py, error))
        }
    }
}
