//! The rules of single nodes, read from their Python attributes: bounds, lengths, patterns, choices, defaults.

use std::collections::HashMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PySet, PyString, PyType,
};
use regex::Regex;

use super::compile::class;
use super::node::{
    Bound as Limit, Choice, Default, Lengths, Node, StrRules, Text, TextName, Unix, Wire,
};
use super::problems::Code;
use crate::imports;

pub(super) fn lengths(node: &Bound<'_, PyAny>) -> PyResult<Lengths> {
    let min: Option<usize> = node.getattr("min_length")?.extract()?;
    let max: Option<usize> = node.getattr("max_length")?.extract()?;
    Ok(Lengths {
        min: min.unwrap_or(Lengths::ANY.min),
        max: max.unwrap_or(Lengths::ANY.max),
    })
}

pub(super) fn number_bounds(node: &Bound<'_, PyAny>) -> PyResult<Box<[Limit]>> {
    let mut bounds = Vec::new();
    for name in ["gt", "ge", "lt", "le", "multiple_of"] {
        let value = node.getattr(name)?;
        if !value.is_none() {
            bounds.push(bound(name, &value)?);
        }
    }
    Ok(bounds.into())
}

pub(super) fn bound(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Limit> {
    let (code, message) = match name {
        "gt" => (Code::Gt, "is not greater than"),
        "ge" => (Code::Ge, "is less than"),
        "lt" => (Code::Lt, "is not less than"),
        "le" => (Code::Le, "is greater than"),
        "multiple_of" => (Code::MultipleOf, "is not a multiple of"),
        "min_length" => (Code::MinLength, "is shorter than"),
        "max_length" => (Code::MaxLength, "is longer than"),
        other => return Err(PyValueError::new_err(format!("no such bound: {other}"))),
    };
    if code == Code::MultipleOf && !value.is_truthy()? {
        let message = "multiple_of=0: nothing but 0 is a multiple of 0";
        return Err(imports::configuration(value.py(), message));
    }
    let number = value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>();
    let is_int = value.is_instance_of::<PyInt>();
    Ok(Limit {
        code,
        int: is_int.then(|| value.extract().ok()).flatten(),
        float: number.then(|| value.extract().ok()).flatten(),
        value: value.clone().unbind(),
        message: format!("{message} {value}"),
    })
}

pub(super) fn str_rules(node: &Bound<'_, PyAny>) -> PyResult<StrRules> {
    let pattern: Option<String> = node.getattr("pattern")?.extract()?;
    let pattern = pattern
        .map(|text| {
            Regex::new(&text).map_err(|error| {
                let message = format!("the pattern {text:?} is not a regular expression: {error}");
                imports::configuration(node.py(), &message)
            })
        })
        .transpose()?;
    let lengths = lengths(node)?;
    Ok(StrRules {
        lengths,
        is_free: lengths == Lengths::ANY && pattern.is_none(),
        pattern,
    })
}

pub(super) fn bytes(node: &Bound<'_, PyAny>) -> PyResult<Node> {
    let class = class(node, "cls")?;
    let py = node.py();
    let known = class.is(py.get_type::<PyBytes>());
    debug_assert!(
        known || class.is_subclass_of::<PyByteArray>()? || class.is_subclass_of::<PyBytes>()?
    );
    Ok(Node::Bytes(
        (!known).then(|| class.unbind()),
        lengths(node)?,
    ))
}

pub(super) fn text(node: &Bound<'_, PyAny>) -> PyResult<Text> {
    let name: String = node.getattr("name")?.extract()?;
    let (name, exact) = match name.as_str() {
        "decimal" => (TextName::Decimal, ("decimal", "Decimal")),
        "uuid" => (TextName::Uuid, ("uuid", "UUID")),
        "datetime" => (TextName::Datetime, ("datetime", "datetime")),
        "date" => (TextName::Date, ("datetime", "date")),
        "time" => (TextName::Time, ("datetime", "time")),
        "timedelta" => (TextName::Timedelta, ("datetime", "timedelta")),
        "ipv4" => (
            TextName::Ip("is not an IPv4 address"),
            ("ipaddress", "IPv4Address"),
        ),
        "ipv6" => (
            TextName::Ip("is not an IPv6 address"),
            ("ipaddress", "IPv6Address"),
        ),
        "ipv4_network" => (
            TextName::Ip("is not an IPv4 network"),
            ("ipaddress", "IPv4Network"),
        ),
        "ipv6_network" => (
            TextName::Ip("is not an IPv6 network"),
            ("ipaddress", "IPv6Network"),
        ),
        "ipv4_interface" => (
            TextName::Ip("is not an IPv4 interface"),
            ("ipaddress", "IPv4Interface"),
        ),
        "ipv6_interface" => (
            TextName::Ip("is not an IPv6 interface"),
            ("ipaddress", "IPv6Interface"),
        ),
        "path" => (TextName::Path, ("pathlib", "Path")),
        other => return Err(PyValueError::new_err(format!("no such text: {other}"))),
    };
    let class = class(node, "cls")?;
    let unix: Option<String> = node.getattr("unix")?.extract()?;
    Ok(Text {
        name,
        exact: class.is(node.py().import(exact.0)?.getattr(exact.1)?),
        class: class.unbind(),
        timezone: node.getattr("timezone")?.extract()?,
        unix: unix.map(|unit| match unit.as_str() {
            "milliseconds" => Unix::Milliseconds,
            _ => Unix::Seconds,
        }),
    })
}

pub(super) fn choice(node: &Bound<'_, PyAny>) -> PyResult<Choice> {
    let mut members = Vec::new();
    let (mut places, mut texts) = (HashMap::new(), HashMap::new());
    let mut shown = Vec::new();
    for pair in node.getattr("members")?.try_iter()? {
        let (value, built): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
        let key = wire(&value)?;
        shown.push(shown_wire(&key));
        match &key {
            Wire::Str(text) => texts.entry(text.clone()).or_insert(members.len()),
            other => places.entry(other.clone()).or_insert(members.len()),
        };
        members.push((key, built.unbind()));
    }
    let class: Option<Bound<'_, PyType>> = node.getattr("cls")?.extract()?;
    let is_flag = node.getattr("is_flag")?.extract()?;
    Ok(Choice {
        class: class.map(Bound::unbind),
        members,
        places,
        texts,
        is_flag,
        message: if is_flag {
            "is no combination of the flags".to_owned()
        } else {
            format!("is none of {}", shown.join(", "))
        },
    })
}

fn shown_wire(wire: &Wire) -> String {
    match wire {
        Wire::Null => "null".to_owned(),
        Wire::Bool(value) => value.to_string(),
        Wire::Int(value) => value.to_string(),
        Wire::Float(bits) => f64::from_bits(*bits).to_string(),
        Wire::BigInt(text) | Wire::Str(text) => text.clone(),
    }
}

/// The value on the wire of an Enum member, a Literal or a tag.
pub(super) fn wire(value: &Bound<'_, PyAny>) -> PyResult<Wire> {
    if value.is_none() {
        return Ok(Wire::Null);
    }
    if let Ok(value) = value.cast::<PyBool>() {
        return Ok(Wire::Bool(value.is_true()));
    }
    if let Ok(value) = value.cast::<PyString>() {
        return Ok(Wire::Str(value.to_str()?.to_owned()));
    }
    if let Ok(value) = value.cast::<PyFloat>() {
        return Ok(Wire::Float(value.value().to_bits()));
    }
    if value.is_instance_of::<PyInt>() {
        let plain = value.py().get_type::<PyInt>().call1((value,))?;
        return Ok(match plain.extract() {
            Ok(small) => Wire::Int(small),
            Err(_) => Wire::BigInt(plain.str()?.to_str()?.to_owned()),
        });
    }
    let message =
        format!("{value:?} is no value that JSON text can choose: use str, int, bool or None");
    Err(imports::configuration(value.py(), &message))
}

pub(super) fn default(field: &Bound<'_, PyAny>, required: bool) -> PyResult<Default> {
    if required {
        return Ok(Default::None);
    }
    let factory = field.getattr("default_factory")?;
    if !factory.is_none() {
        return Ok(Default::Factory(factory.unbind()));
    }
    let value = field.getattr("default")?;
    let copied = value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyDict>()
        || value.is_instance_of::<PySet>();
    let value = value.unbind();
    Ok(if copied {
        Default::Copied(value)
    } else {
        Default::Value(value)
    })
}
