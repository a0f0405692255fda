//! The fields of an object that are written: their names in Python, their names in JSON, where
//! they are kept. Those of a named tuple are its items.

use covet_server::json::write;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

use crate::runtime::leaf::Shape;
use crate::runtime::members::{Member, Members, Piece};
use crate::runtime::output::Literal;

/// The fields of one class, in the order they are written.
pub(crate) struct Fields {
    /// The attributes, interned.
    pub(crate) names: Box<[Py<PyString>]>,
    pieces: Box<[Piece]>,
    /// A constant member that is written first, with its comma.
    pub(crate) tag: Option<Literal>,
    /// The value that stands for no field.
    pub(crate) unset: Option<Py<PyAny>>,
    members: Members,
}

impl Fields {
    /// The fields of `class`, each an attribute and its name in JSON. There must have been an
    /// object of the class already.
    pub(crate) fn of(
        class: &Bound<'_, PyType>,
        fields: &[(String, String)],
        tag: Option<Literal>,
    ) -> Self {
        let py = class.py();
        let names: Vec<_> = fields
            .iter()
            .map(|(name, _)| PyString::intern(py, name))
            .collect();
        Self {
            members: Members::of(class, &names),
            names: names.into_iter().map(Bound::unbind).collect(),
            pieces: fields.iter().map(|(_, wire)| piece(wire)).collect(),
            tag,
            unset: None,
        }
    }

    /// Takes back the key of the field number `index`, which was written last.
    pub(crate) fn take_back(&self, index: usize, out: &mut Vec<u8>) {
        out.truncate(out.len() - self.pieces[index].key.len());
    }

    /// Appends fields from number `next` on, up to one whose value is no leaf: its name
    /// is written. With `lists`, a list of leaves counts as one.
    #[inline]
    pub(crate) fn push_leaves<'py>(
        &self,
        object: &Bound<'py, PyAny>,
        next: usize,
        lists: bool,
        out: &mut Vec<u8>,
    ) -> Option<Member<'py>> {
        self.members
            .push_leaves::<false>(object, &self.pieces, next, lists, out)
    }
}

/// The fields of a named tuple, in the order of its items.
pub(crate) struct Names(Box<[(Py<PyString>, Literal)]>);

impl Names {
    /// What `_fields` says; None for another tuple.
    pub(crate) fn of(class: &Bound<'_, PyType>) -> Option<Self> {
        let names = class.getattr(intern!(class.py(), "_fields")).ok()?;
        let name = |name: Bound<'_, PyAny>| {
            let name = name.cast_into::<PyString>().ok()?;
            let key = key_literal(name.to_str().ok()?);
            Some((name.unbind(), key))
        };
        let names = names.cast_into::<PyTuple>().ok()?;
        names.iter().map(name).collect::<Option<_>>().map(Self)
    }

    /// Each item with its name and the key that is written; None where there are not as many items as names.
    pub(crate) fn items<'a, 'py>(
        &'a self,
        tuple: &'a Bound<'py, PyTuple>,
    ) -> Option<impl Iterator<Item = (&'a Py<PyString>, &'a Literal, Bound<'py, PyAny>)>> {
        let names = self.0.iter().zip(tuple.iter());
        let items = names.map(|((name, key), item)| (name, key, item));
        (self.0.len() == tuple.len()).then_some(items)
    }
}

/// `"name":`, escaped.
pub(crate) fn key_literal(name: &str) -> Literal {
    let mut text = Vec::new();
    write::write_str_then(&mut text, name, b':');
    Literal::new(&text)
}

fn piece(name: &str) -> Piece {
    Piece {
        key: key_literal(name),
        shape: Shape::any(true),
    }
}
