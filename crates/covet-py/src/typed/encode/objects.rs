//! Objects with declared fields as JSON: instances, what has the attributes, dicts with known keys.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{Typed, is_instance, mismatch};
use crate::json::encode_error::{Done, Failure};
use crate::runtime::known_entries::push_known_entries;
use crate::runtime::leaf::push_shape;
use crate::typed::encode_plan::{ObjectPlan, Plan};
use crate::typed::node::{Build, NodeId, Object};

impl<'s> Typed<'s, '_, '_, '_> {
    pub(super) fn object(
        &mut self,
        id: NodeId,
        object: &'s Object,
        value: &Bound<'_, PyAny>,
    ) -> Done {
        let Plan::Object(plan) = self.schema.plan(id) else {
            return self.encoder.value(value);
        };
        let class = object.class.bind(value.py());
        if object.build == Build::Dict {
            return match value.cast::<PyDict>() {
                Ok(dict) => self.typed_dict(plan, dict),
                Err(_) if self.by_attribute => self.attributes(plan, value),
                Err(_) => Err(mismatch(value, &object.name)),
            };
        }
        if value.get_type().is(class) {
            return self.instance(plan, value);
        }
        if self.by_attribute || is_instance(value, class)? {
            return self.attributes(plan, value);
        }
        Err(mismatch(value, &object.name))
    }

    /// An object of exactly the declared class.
    fn instance(&mut self, plan: &'s ObjectPlan, object: &Bound<'_, PyAny>) -> Done {
        let lists = self.encoder.open(b'{')?;
        if let Some(tag) = &plan.tag {
            tag.push_to(self.encoder.out());
        }
        let members = plan.members(&object.get_type());
        let mut next = 0;
        while let Some(member) =
            members.push_leaves::<true>(object, &plan.pieces, next, lists, self.encoder.out())
        {
            let name = plan.names[member.index].bind(object.py());
            let value = member.value.map_or_else(|| object.getattr(name), Ok);
            value
                .map_err(|error| Failure::raised("reading the field", error))
                .and_then(|value| self.field(plan, member.index, &value))
                .map_err(|failure| failure.under_key(name))?;
            next = member.index + 1;
        }
        self.encoder.close(b'}');
        Ok(())
    }

    /// Any object, by the attributes that are declared.
    fn attributes(&mut self, plan: &'s ObjectPlan, object: &Bound<'_, PyAny>) -> Done {
        self.encoder.open(b'{')?;
        if let Some(tag) = &plan.tag {
            tag.push_to(self.encoder.out());
        }
        for (index, name) in plan.names.iter().enumerate() {
            let name = name.bind(object.py());
            plan.pieces[index].key.push_to(self.encoder.out());
            object
                .getattr(name)
                .map_err(|error| Failure::raised("reading the field", error))
                .and_then(|value| self.field(plan, index, &value))
                .map_err(|failure| failure.under_key(name))?;
        }
        self.encoder.close(b'}');
        Ok(())
    }

    /// The value of a field whose key is written; the key is taken back where the field is absent.
    fn field(&mut self, plan: &ObjectPlan, index: usize, value: &Bound<'_, PyAny>) -> Done {
        if plan.is_absent(index, value) {
            plan.take_back(index, self.encoder.out());
            return Ok(());
        }
        self.value(plan.nodes[index], value)
    }

    fn typed_dict(&mut self, plan: &'s ObjectPlan, dict: &Bound<'_, PyDict>) -> Done {
        let lists = self.encoder.open(b'{')?;
        if let Some(tag) = &plan.tag {
            tag.push_to(self.encoder.out());
        }
        let mut next = 0;
        while let Some(member) = push_known_entries(
            dict,
            &plan.names,
            &plan.pieces,
            next,
            lists,
            self.encoder.out(),
        ) {
            next = member.index + 1;
            let name = plan.names[member.index].bind(dict.py());
            match member.value {
                Some(value) => self.field(plan, member.index, &value),
                None => self.looked_up(plan, member.index, dict, lists),
            }
            .map_err(|failure| failure.under_key(name))?;
        }
        self.encoder.close(b'}');
        Ok(())
    }

    /// The entry of a field number `index`, by asking the dict.
    fn looked_up(
        &mut self,
        plan: &'s ObjectPlan,
        index: usize,
        dict: &Bound<'_, PyDict>,
        lists: bool,
    ) -> Done {
        let found = dict.get_item(plan.names[index].bind(dict.py()));
        let found = found.map_err(|error| Failure::raised("reading the key", error))?;
        let Some(value) = found else {
            if plan.required[index] {
                return Err(Failure::new("a required key is missing"));
            }
            return Ok(());
        };
        let piece = &plan.pieces[index];
        piece.key.push_to(self.encoder.out());
        if push_shape(
            self.encoder.out(),
            value.as_borrowed(),
            piece.shape.with(lists),
        ) {
            return Ok(());
        }
        self.field(plan, index, &value)
    }
}
