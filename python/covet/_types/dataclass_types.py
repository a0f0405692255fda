"""Dataclasses: their fields, and whether they can be built without calling their `__init__`.

Owns the proof that `__init__` is the generated one and does nothing but set fields and call `__post_init__`.
"""

import dataclasses
import inspect
from types import FunctionType, MemberDescriptorType
from typing import Any

from covet._types.nodes import Build, FieldNode
from covet._types.objects import ClassReading, home_of
from covet.errors import ConfigurationError


def is_dataclass(cls: type[Any]) -> bool:
    """Whether `cls` is a dataclass, or inherits from one."""
    return isinstance(getattr(cls, "__dataclass_fields__", None), dict)


def fill_dataclass(reading: ClassReading) -> None:
    """Fields and build of a dataclass."""
    cls, node = reading.cls, reading.node
    if inspect.isabstract(cls):
        raise ConfigurationError(f"is {cls.__qualname__}, which is abstract: write the classes that can be made")
    declared: dict[str, dataclasses.Field[Any]] = cls.__dataclass_fields__
    for field in declared.values():
        # The kinds have no public name: `fields()` leaves out the InitVars, which are needed here.
        kind = getattr(field, "_field_type").name  # noqa: B009
        if kind != "_FIELD_CLASSVAR":
            node.fields.append(_field(reading, field, init_only=kind == "_FIELD_INITVAR"))
    node.build, node.post_init = build_of(cls, node.fields)


def _field(reading: ClassReading, field: "dataclasses.Field[Any]", *, init_only: bool) -> FieldNode:
    home, annotation = home_of(reading.cls, field.name, lambda each: "__dataclass_fields__" in vars(each))
    if home is reading.cls and annotation is Any:
        annotation = field.type
    if isinstance(annotation, dataclasses.InitVar):
        annotation = annotation.type
    made, _ = reading.field(field.name, annotation, home)
    made.init_only = init_only
    made.init = field.init
    if made.description is None:
        made.description = getattr(field, "doc", None)
    made.required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    if field.default is not dataclasses.MISSING:
        made.default = field.default
    if field.default_factory is not dataclasses.MISSING:
        made.default_factory = field.default_factory
    return made


def build_of(cls: type[Any], fields: list[FieldNode]) -> tuple[Build, bool]:
    """How objects of a dataclass are built, and whether `__post_init__` is called by the builder."""
    init: Any = cls.__init__
    owner = next((each for each in cls.__mro__ if "__init__" in vars(each)), object)
    parameters = vars(owner).get("__dataclass_params__")
    generated = (
        isinstance(init, FunctionType)
        and parameters is not None
        and parameters.init
        and vars(owner).get("__dataclass_fields__") is cls.__dataclass_fields__
        # A user's `__init__` stays where it is even with init=True; only the generated one comes from here.
        and init.__code__.co_qualname.startswith("__create_fn")
        and init.__code__.co_filename == "<string>"
    )
    if not generated or parameters is None or not is_plain(cls, frozen=parameters.frozen):
        return "call", False
    return stored_in(cls, fields), "__post_init__" in init.__code__.co_names


def is_plain(cls: Any, *, frozen: bool) -> bool:
    """Whether making an object of `cls` and setting its attributes runs no code but object's own.

    The `__init__` of a frozen class sets attributes by `object.__setattr__` itself.
    """
    return (
        cls.__new__ is object.__new__
        and type(cls).__call__ is type.__call__
        and (frozen or cls.__setattr__ is object.__setattr__)
        and cls.__getattribute__ is object.__getattribute__
        and not any("__getattr__" in vars(each) for each in cls.__mro__)
    )


def stored_in(cls: type[Any], fields: list[FieldNode]) -> Build:
    """`slots` where every stored field has a slot of its own."""
    slots = all(
        isinstance(inspect.getattr_static(cls, field.name, None), MemberDescriptorType)
        for field in fields
        if not field.init_only
    )
    return "slots" if slots else "attributes"
