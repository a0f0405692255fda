//! The compiled tree of a type: an arena whose nodes name each other by index.
//!
//! Plain data, filled by `compile`; decoding and encoding read it. What a node means is said in
//! `python/covet/_types/nodes.py`.

mod object;

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::PyType;
use regex::Regex;

pub use self::object::{Build, Default, Field, Object, Tag, WireField};
use super::problems::Code;

/// The place of a node in the arena.
pub type NodeId = u32;

/// One node.
#[derive(Debug)]
pub enum Node {
    /// Whatever the JSON says.
    Any,
    /// null.
    None,
    /// true and false.
    Bool,
    /// A whole number of any size, with its bounds.
    Int(Box<[Bound]>),
    /// A number, with its bounds.
    Float(Box<[Bound]>),
    /// A string.
    Str(Box<StrRules>),
    /// base64: what is built, None for `bytes` itself.
    Bytes(Option<Py<PyType>>, Lengths),
    /// A type of the standard library that is written as text.
    Text(Text),
    /// Enum or Literal.
    Choice(Box<Choice>),
    /// An array of equal items.
    List(List),
    /// An array of exactly these items.
    Tuple(Box<[NodeId]>),
    /// An object whose keys are data.
    Dict(Dict),
    /// An object with known fields.
    Object(Box<Object>),
    /// One of several types.
    Union(Box<Union>),
    /// null or the inner type.
    Nullable(NodeId),
    /// A value that must pass more.
    Checked(Box<Checked>),
    /// A type with code of its own.
    Custom(Box<Custom>),
}

/// A bound of a number, or of what a [`Checked`] holds.
#[derive(Debug)]
pub struct Bound {
    /// `Gt`, `Ge`, `Lt`, `Le`, `MultipleOf`, `MinLength` or `MaxLength`.
    pub code: Code,
    /// The bound as an `i64`, where it is one.
    pub int: Option<i64>,
    /// The bound as a double, where it is a number.
    pub float: Option<f64>,
    /// The bound.
    pub value: Py<PyAny>,
    /// What a value is that breaks it: "is not greater than 0".
    pub message: String,
}

/// Bounds of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// The least that is accepted.
    pub min: usize,
    /// The most that is accepted.
    pub max: usize,
}

impl Lengths {
    /// Every length.
    pub const ANY: Self = Self {
        min: 0,
        max: usize::MAX,
    };
}

/// What a string must be.
#[derive(Debug)]
pub struct StrRules {
    /// Bounds in code points.
    pub lengths: Lengths,
    /// What must be found in it.
    pub pattern: Option<Regex>,
    /// Whether every string is accepted.
    pub is_free: bool,
}

/// The types that are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextName {
    /// `decimal.Decimal`.
    Decimal,
    /// `uuid.UUID`.
    Uuid,
    /// `datetime.datetime`.
    Datetime,
    /// `datetime.date`.
    Date,
    /// `datetime.time`.
    Time,
    /// `datetime.timedelta`.
    Timedelta,
    /// A class of `ipaddress`.
    Ip(
        /// What a text is that the class refuses.
        &'static str,
    ),
    /// A class of `pathlib`.
    Path,
}

impl TextName {
    /// The code of a value that is none.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::Decimal => Code::Decimal,
            Self::Uuid => Code::Uuid,
            Self::Datetime => Code::Datetime,
            Self::Date => Code::Date,
            Self::Time => Code::Time,
            Self::Timedelta => Code::Timedelta,
            Self::Ip(_) => Code::Ip,
            Self::Path => Code::Path,
        }
    }
}

/// The unit of a number that stands for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unix {
    /// Seconds.
    Seconds,
    /// Thousandths of a second.
    Milliseconds,
}

/// A type that is written as text.
#[derive(Debug)]
pub struct Text {
    /// Which.
    pub name: TextName,
    /// What is built.
    pub class: Py<PyType>,
    /// Whether `class` is the standard library's own, so that its C function may build it.
    pub exact: bool,
    /// Whether an offset from UTC is demanded (true) or refused (false).
    pub timezone: Option<bool>,
    /// Whether a number is accepted, and what it counts.
    pub unix: Option<Unix>,
}

/// A value on the wire that decides: for Enum, Literal and discriminators.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wire {
    /// null.
    Null,
    /// true or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer out of the range of `i64`, as its digits.
    BigInt(String),
    /// A double, by its bits.
    Float(u64),
    /// A string.
    Str(String),
}

/// Enum or Literal.
#[derive(Debug)]
pub struct Choice {
    /// The Enum class; None for Literal.
    pub class: Option<Py<PyType>>,
    /// (value on the wire, what is built), in their order.
    pub members: Vec<(Wire, Py<PyAny>)>,
    /// The place in `members`, for all but strings.
    pub places: HashMap<Wire, usize>,
    /// The place in `members` by a string.
    pub texts: HashMap<String, usize>,
    /// For a Flag: any int that its members can make.
    pub is_flag: bool,
    /// What another value is: "is none of red, green".
    pub message: String,
}

/// An array of equal items.
#[derive(Debug)]
pub struct List {
    /// What is built.
    pub kind: ListKind,
    /// The class that is called with a list, where it is none of the four.
    pub class: Py<PyType>,
    /// Every item.
    pub item: NodeId,
    /// Bounds of the number of items.
    pub lengths: Lengths,
}

/// What an array becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// `list`.
    List,
    /// `tuple`.
    Tuple,
    /// `set`.
    Set,
    /// `frozenset`.
    FrozenSet,
    /// A class that is called with a list.
    Called,
}

/// An object whose keys are data.
#[derive(Debug)]
pub struct Dict {
    /// The class that is called with a dict; None for `dict` itself.
    pub class: Option<Py<PyType>>,
    /// Every key, read as a text.
    pub key: NodeId,
    /// Every value.
    pub value: NodeId,
    /// Bounds of the number of members.
    pub lengths: Lengths,
}

/// One of several types.
#[derive(Debug)]
pub struct Union {
    /// Every option, in declared order.
    pub options: Vec<NodeId>,
    /// The field that decides, and the place in `options` by its value.
    pub discriminator: Option<(String, HashMap<Wire, usize>)>,
    /// Without a discriminator: the options to try, by the kind of the JSON value.
    pub candidates: [Vec<NodeId>; JsonKind::COUNT],
}

/// The kind of a JSON value, told from its first byte but for the two sorts of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonKind {
    /// null.
    Null,
    /// true or false.
    Bool,
    /// A number without fraction and exponent.
    Int,
    /// Another number.
    Float,
    /// A string.
    Str,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl JsonKind {
    /// How many there are.
    pub const COUNT: usize = 7;

    /// Every kind, in the order of the numbers.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Null,
        Self::Bool,
        Self::Int,
        Self::Float,
        Self::Str,
        Self::Array,
        Self::Object,
    ];

    /// What a problem calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Str => "str",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

/// A value that must pass more.
#[derive(Debug)]
pub struct Checked {
    /// What is read first.
    pub inner: NodeId,
    /// Bounds, compared by Python.
    pub bounds: Vec<Bound>,
    /// Called in their order.
    pub validators: Vec<Py<PyAny>>,
}

/// A type with code of its own.
#[derive(Debug)]
pub struct Custom {
    /// The class of the values.
    pub class: Py<PyAny>,
    /// What is read first, and what `encode` returns.
    pub inner: NodeId,
    /// From what was read to the value.
    pub decode: Py<PyAny>,
    /// From the value to what is written.
    pub encode: Py<PyAny>,
}
