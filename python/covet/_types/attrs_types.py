"""attrs classes, where the program has imported attrs.

Owns how their fields are found, and whether they can be built without calling their `__init__`: only where there is no
converter, validator or hook. Nothing here imports the package.
"""

import sys
from types import FunctionType
from typing import Any

from covet._types.dataclass_types import is_plain, stored_in
from covet._types.nodes import Build, FieldNode
from covet._types.objects import ClassReading, home_of
from covet.errors import ConfigurationError


def is_attrs(cls: type[Any]) -> bool:
    """Whether `cls` is an attrs class."""
    return "attr" in sys.modules and isinstance(getattr(cls, "__attrs_attrs__", None), tuple)


def fill_attrs(reading: ClassReading) -> None:
    """Fields and build of an attrs class."""
    cls, node = reading.cls, reading.node
    nothing = sys.modules["attr"].NOTHING
    for attribute in cls.__attrs_attrs__:
        home, annotation = home_of(cls, attribute.name, lambda each: "__attrs_attrs__" in vars(each))
        if annotation is Any and attribute.type is not None:
            annotation = attribute.type
        made, said = reading.field(attribute.name, annotation, home)
        made.keyword = None if attribute.alias == attribute.name else attribute.alias
        if attribute.alias != attribute.name and (said.field is None or said.field.alias is None):
            made.alias = reading.field(attribute.alias, annotation, home)[0].alias
        made.init = attribute.init
        made.required = attribute.default is nothing
        if isinstance(attribute.default, sys.modules["attr"].Factory):
            if attribute.default.takes_self and not attribute.init:
                made.required = True
            elif attribute.default.takes_self:
                made.default_factory = _needs_self
            else:
                made.default_factory = attribute.default.factory
        elif attribute.default is not nothing:
            made.default = attribute.default
        node.fields.append(made)
    node.build = _build_of(cls, node.fields)


def _needs_self() -> object:
    """A default that only the constructor can make; build `call` leaves it to that."""
    raise ConfigurationError("the default is made from the object: only its constructor can make it")


def _build_of(cls: type[Any], fields: list[FieldNode]) -> Build:
    """`call` wherever code of the program runs: converters, validators, hooks, an `__init__` of its own."""
    init: Any = cls.__init__
    owner = next((each for each in cls.__mro__ if "__init__" in vars(each)), object)
    generated = (
        isinstance(init, FunctionType)
        and init.__code__.co_filename.startswith("<attrs generated")
        and vars(owner).get("__attrs_attrs__") is cls.__attrs_attrs__
    )
    hooks = any(hasattr(cls, name) for name in ("__attrs_pre_init__", "__attrs_post_init__", "__attrs_init__"))
    busy = any(
        attribute.converter is not None
        or attribute.validator is not None
        or getattr(attribute.default, "takes_self", False)
        or (not attribute.init and attribute.default is not sys.modules["attr"].NOTHING)
        for attribute in cls.__attrs_attrs__
    )
    cached_hash = "_attrs_cached_hash" in init.__code__.co_names if generated else False
    frozen = getattr(cls.__setattr__, "__name__", "") == "_frozen_setattrs"
    if not generated or hooks or busy or cached_hash or not is_plain(cls, frozen=frozen):
        return "call"
    return stored_in(cls, fields)
