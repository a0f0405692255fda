//! Values of a compiled type to JSON: exactly the declared fields, under their names on the wire.
//!
//! A value of another type than declared is a mistake of the application: an error with the path
//! to it. Bounds and validators are not asked again. [`objects`] has the objects.

mod objects;

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDateTime, PyDict, PyFloat, PyFrozenSet, PyInt, PyList,
    PyMemoryView, PySet, PyString, PyTuple, PyType,
};

use super::encode_plan::Plan;
use super::fits::fits;
use super::node::{Choice, Custom, Dict, List, ListKind, Node, NodeId, TextName};
use super::schema::Schema;
use crate::json::encode::{EncodeOptions, Encoder};
use crate::json::encode_error::{Done, EncodeError, Failure};
use crate::json::{kind, refusal};
use crate::runtime::leaf::Shape;
use crate::runtime::walk::{DictEntries, ListItems};

impl Schema {
    /// Appends `value`, which must be of the type, as JSON to `out`. `by_attribute` takes objects of
    /// other classes by the attributes that are declared.
    ///
    /// # Errors
    /// A value of another type, and what [`json::encode`](crate::json::encode) refuses. `out` is then
    /// as it was before.
    pub fn encode(
        &self,
        value: &Bound<'_, PyAny>,
        by_attribute: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let options = EncodeOptions {
            default: None,
            any_keys: true,
        };
        Encoder::run(out, options, |encoder| {
            let mut typed = Typed {
                schema: self,
                encoder,
                by_attribute,
            };
            typed.value(self.root, value)
        })
    }
}

struct Typed<'s, 'e, 'a, 'py> {
    schema: &'s Schema,
    encoder: &'e mut Encoder<'a, 'py>,
    by_attribute: bool,
}

impl Typed<'_, '_, '_, '_> {
    /// A value of the node `id`.
    fn value(&mut self, id: NodeId, value: &Bound<'_, PyAny>) -> Done {
        let schema = self.schema;
        match schema.node(id) {
            Node::Any => self.encoder.value(value),
            Node::None | Node::Nullable(_) if value.is_none() => self.encoder.value(value),
            Node::None => Err(mismatch(value, "None")),
            Node::Bool if value.is_exact_instance_of::<PyBool>() => self.encoder.value(value),
            Node::Bool => Err(mismatch(value, "bool")),
            Node::Int(_) => self.int(value, "int"),
            Node::Float(_) => match value.cast::<PyFloat>() {
                Ok(number) => self.encoder.float(number.value()),
                Err(_) => self.int(value, "float"),
            },
            Node::Str(_) => match value.cast::<PyString>() {
                Ok(text) => self.encoder.text(text),
                Err(_) => Err(mismatch(value, "str")),
            },
            Node::Bytes(..) => self.bytes(value),
            Node::Text(text) => self.text(text.name, text.class.bind(value.py()), value),
            Node::Choice(choice) => self.choice(id, choice, value),
            Node::List(list) => self.list(id, list, value),
            Node::Tuple(items) => self.tuple(items, value),
            Node::Dict(dict) => self.dict(id, dict, value),
            Node::Object(object) => self.object(id, object, value),
            Node::Union(union) => match fits(schema, &union.options, value) {
                Some(option) => self.value(option, value),
                None => Err(mismatch(value, "one of the types of the union")),
            },
            Node::Nullable(inner) => self.value(*inner, value),
            Node::Checked(checked) => self.value(checked.inner, value),
            Node::Custom(custom) => self.custom(custom, value),
        }
    }

    fn int(&mut self, value: &Bound<'_, PyAny>, declared: &str) -> Done {
        match value.cast::<PyInt>() {
            Ok(number) if !value.is_exact_instance_of::<PyBool>() => self.encoder.int(number),
            _ => Err(mismatch(value, declared)),
        }
    }

    fn bytes(&mut self, value: &Bound<'_, PyAny>) -> Done {
        let is_bytes = value.is_instance_of::<PyBytes>()
            || value.is_instance_of::<PyByteArray>()
            || value.is_instance_of::<PyMemoryView>();
        if !is_bytes {
            return Err(mismatch(value, "bytes"));
        }
        self.encoder.text_value(value, kind::Text::Bytes)
    }

    fn text(
        &mut self,
        name: TextName,
        class: &Bound<'_, PyType>,
        value: &Bound<'_, PyAny>,
    ) -> Done {
        let is_moment = value.is_instance_of::<PyDateTime>();
        let is_date = matches!(name, TextName::Date) && is_moment;
        if is_date || !is_instance(value, class)? {
            return Err(mismatch(value, &class_name(class)));
        }
        let text = match name {
            TextName::Uuid => kind::Text::Uuid,
            TextName::Datetime => kind::Text::DateTime,
            TextName::Date => kind::Text::Date,
            TextName::Time => kind::Text::Time,
            TextName::Timedelta => kind::Text::Duration,
            TextName::Decimal | TextName::Ip(_) | TextName::Path => kind::Text::Str,
        };
        self.encoder.text_value(value, text)
    }

    /// A member by identity, else by its value: the members of a Flag are more than those declared.
    fn choice(&mut self, id: NodeId, choice: &Choice, value: &Bound<'_, PyAny>) -> Done {
        let Plan::Choice(literals) = self.schema.plan(id) else {
            return self.encoder.value(value);
        };
        let mut members = choice.members.iter();
        if let Some(place) = members.position(|(_, member)| member.is(value)) {
            literals[place].push_to(self.encoder.out());
            return Ok(());
        }
        if let Some(class) = &choice.class {
            let class = class.bind(value.py());
            if !is_instance(value, class)? {
                return Err(mismatch(value, &class_name(class)));
            }
            return self.encoder.value(value);
        }
        for ((_, member), literal) in choice.members.iter().zip(literals) {
            let member = member.bind(value.py());
            let same_type = member.get_type().is(value.get_type());
            if same_type && member.eq(value).is_ok_and(|equal| equal) {
                literal.push_to(self.encoder.out());
                return Ok(());
            }
        }
        Err(mismatch(value, "one of the Literal's values"))
    }

    fn list(&mut self, id: NodeId, list: &List, value: &Bound<'_, PyAny>) -> Done {
        if let Ok(items) = value.cast_exact::<PyList>()
            && matches!(list.kind, ListKind::List | ListKind::Tuple)
        {
            return self.exact_list(id, list.item, items);
        }
        let class = list.class.bind(value.py());
        let is_declared = match list.kind {
            ListKind::List | ListKind::Tuple => {
                value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>()
            }
            ListKind::Set | ListKind::FrozenSet => {
                value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>()
            }
            ListKind::Called => is_instance(value, class)?,
        };
        if !is_declared {
            return Err(mismatch(value, &class_name(class)));
        }
        let raised = |error| Failure::raised("iterating", error);
        self.encoder.open(b'[')?;
        for (index, item) in value.try_iter().map_err(raised)?.enumerate() {
            item.map_err(raised)
                .and_then(|item| self.value(list.item, &item))
                .map_err(|failure| failure.at_index(index))?;
        }
        self.encoder.close(b']');
        Ok(())
    }

    /// What the node's items are, to be written without ado.
    fn items(&self, id: NodeId) -> Shape {
        match self.schema.plan(id) {
            Plan::Items(shape) => *shape,
            _ => Shape::NOTHING,
        }
    }

    fn exact_list(&mut self, id: NodeId, item: NodeId, list: &Bound<'_, PyList>) -> Done {
        let lists = self.encoder.open(b'[')?;
        let shape = self.items(id).with(lists);
        let size = list.len();
        let mut items = ListItems::new(list);
        while let Some(found) = items.push_leaves::<true>(shape, self.encoder.out()) {
            self.value(item, &found)
                .map_err(|failure| failure.at_index(items.index()))?;
            if list.len() != size {
                return Err(Failure::new("the list changed size while it was encoded"));
            }
        }
        self.encoder.close(b']');
        Ok(())
    }

    fn tuple(&mut self, declared: &[NodeId], value: &Bound<'_, PyAny>) -> Done {
        let Ok(tuple) = value.cast::<PyTuple>() else {
            return Err(mismatch(value, "tuple"));
        };
        if tuple.len() != declared.len() {
            let (found, count) = (tuple.len(), declared.len());
            return Err(Failure::new(format!(
                "tuple of {found} items is not what is declared: {count} items"
            )));
        }
        self.encoder.open(b'[')?;
        for (index, (id, item)) in declared.iter().zip(tuple.iter()).enumerate() {
            self.value(*id, &item)
                .map_err(|failure| failure.at_index(index))?;
        }
        self.encoder.close(b']');
        Ok(())
    }

    fn dict(&mut self, id: NodeId, declared: &Dict, value: &Bound<'_, PyAny>) -> Done {
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            return self.exact_dict(id, declared, dict);
        }
        let py = value.py();
        let class = declared
            .class
            .as_ref()
            .map_or_else(|| py.get_type::<PyDict>(), |class| class.bind(py).clone());
        if !is_instance(value, &class)? {
            return Err(mismatch(value, &class_name(&class)));
        }
        let raised = |error| Failure::raised("items()", error);
        let items = value
            .call_method0("items")
            .and_then(|items| items.try_iter());
        self.encoder.open(b'{')?;
        for item in items.map_err(raised)? {
            let (key, item) = item
                .and_then(|item| item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>())
                .map_err(raised)?;
            self.member(declared, &key, &item, false)?;
        }
        self.encoder.close(b'}');
        Ok(())
    }

    fn exact_dict(&mut self, id: NodeId, declared: &Dict, dict: &Bound<'_, PyDict>) -> Done {
        let lists = self.encoder.open(b'{')?;
        let plain_keys = matches!(self.schema.node(declared.key), Node::Str(_) | Node::Any);
        let shape = if plain_keys {
            self.items(id).with(lists)
        } else {
            Shape::NOTHING
        };
        let size = dict.len();
        let mut entries = DictEntries::new(dict, plain_keys)
            .map_err(|error| Failure::raised("copying the dict", error))?;
        while let Some(entry) = entries.push_leaves::<true>(shape, self.encoder.out()) {
            self.member(declared, &entry.key, &entry.value, entry.key_is_written)?;
            if dict.len() != size {
                return Err(Failure::new("the dict changed size while it was encoded"));
            }
        }
        self.encoder.close(b'}');
        Ok(())
    }

    fn member(
        &mut self,
        declared: &Dict,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        key_is_written: bool,
    ) -> Done {
        if !key_is_written {
            let start = self.encoder.out().len();
            self.value(declared.key, key)?;
            self.encoder.finish_key(start, key)?;
        }
        self.value(declared.value, value)
            .map_err(|failure| failure.under_key(key))
    }

    /// By the type's own code.
    fn custom(&mut self, custom: &Custom, value: &Bound<'_, PyAny>) -> Done {
        let py = value.py();
        let class = custom.class.bind(py);
        if let Ok(class) = class.cast::<PyType>()
            && !is_instance(value, class)?
        {
            return Err(mismatch(value, &class_name(class)));
        }
        let given = custom.encode.bind(py).call1((value,));
        let given = given.map_err(|error| Failure::raised("encode()", error))?;
        self.value(custom.inner, &given)
    }
}

fn is_instance(value: &Bound<'_, PyAny>, class: &Bound<'_, PyType>) -> Result<bool, Failure> {
    value
        .is_instance(class)
        .map_err(|error| Failure::raised("isinstance()", error))
}

fn class_name(class: &Bound<'_, PyType>) -> String {
    class
        .qualname()
        .map_or_else(|_| "?".to_owned(), |name| name.to_string())
}

#[cold]
fn mismatch(value: &Bound<'_, PyAny>, declared: &str) -> Failure {
    let name = refusal::type_name(value);
    Failure::new(format!("{name} is not what is declared: {declared}"))
}
