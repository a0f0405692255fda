"""TypedDict and NamedTuple.

Owns which keys are required, through Required, NotRequired and inheritance, and whether a tuple can be made without its
`__new__`.
"""

import typing
from types import FunctionType
from typing import Any

from covet._types.objects import ClassReading, home_of
from covet._types.scope import own_annotations


def is_typed_dict(cls: object) -> bool:
    """Whether `cls` is a TypedDict, of `typing` or of typing_extensions."""
    return typing.is_typeddict(cls) or (
        isinstance(cls, type)
        and issubclass(cls, dict)
        and hasattr(cls, "__total__")
        and hasattr(cls, "__required_keys__")
    )


def is_named_tuple(cls: type[Any]) -> bool:
    """Whether `cls` is a NamedTuple."""
    return issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)


def fill_typed_dict(reading: ClassReading) -> None:
    """Keys of a TypedDict."""
    cls, node = reading.cls, reading.node
    node.build = "dict"
    for name, annotation in own_annotations(cls).items():
        made, said = reading.field(name, annotation, _home(cls, name, annotation))
        made.required = name in cls.__required_keys__
        if said.qualifiers & {"Required", "NotRequired"}:
            made.required = "Required" in said.qualifiers
        node.fields.append(made)


def _home(cls: type[Any], name: str, annotation: object) -> type[Any]:
    """The TypedDict that wrote a key: classes keep no MRO of TypedDicts, only their annotations."""
    for base in vars(cls).get("__orig_bases__", ()):
        origin = typing.get_origin(base) or base
        if is_typed_dict(origin):
            inherited = own_annotations(origin).get(name)
            if inherited is annotation or (inherited is not None and inherited == annotation):
                return _home(origin, name, annotation)
    return cls


def fill_named_tuple(reading: ClassReading) -> None:
    """Fields of a NamedTuple; those of `collections.namedtuple` take anything."""
    cls, node = reading.cls, reading.node
    defaults: dict[str, object] = cls._field_defaults
    for name in cls._fields:
        home, annotation = home_of(cls, name, lambda each: "_fields" in vars(each))
        made, _ = reading.field(name, annotation, home)
        made.required = name not in defaults
        made.default = defaults.get(name)
        node.fields.append(made)
    node.build = "tuple" if _is_generated(cls) else "call"


def _is_generated(cls: type[Any]) -> bool:
    """Whether nothing but the generated `__new__` runs."""
    owner = next(each for each in cls.__mro__ if "__new__" in vars(each))
    new = cls.__new__
    return (
        isinstance(new, FunctionType)
        and "_fields" in vars(owner)
        and new.__globals__.get("_tuple_new") is tuple.__new__
        and cls.__init__ is object.__init__
        and type(cls).__call__ is type.__call__
    )
