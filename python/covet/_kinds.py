"""Annotations to kinds: which types a path or query parameter may have, and how each is read. Startup only.

Knows nothing of functions; `covet._signature` asks it for each parameter.
"""

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin
from uuid import UUID

from covet._plan import Kind
from covet.params import Path, Query
from covet.requests import Request
from covet.responses import Response

BODY_ADVICE: Final = "JSON bodies arrive with the typed engine; take `request: Request` and `await request.json()`"

_SCALARS: Final[dict[object, Kind]] = {
    str: ("str",),
    int: ("int",),
    float: ("float",),
    bool: ("bool",),
    UUID: ("uuid",),
    Request: ("request",),
}
_LATER_SCALARS: Final = {
    ("decimal", "Decimal"),
    *(("datetime", name) for name in ("date", "datetime", "time", "timedelta")),
}
_ALIAS_TYPE: Final[Any] = getattr(typing, "TypeAliasType", None)


class Refusal(Exception):
    """An annotation that no parameter can have: what is wrong with it, and what to do."""


class Source(NamedTuple):
    """An annotation, understood."""

    kind: Kind
    marker: Path | Query | None


def shown(annotation: object) -> str:
    """An annotation as a person writes it."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")


def read_annotation(annotation: object) -> Source:
    """The kind and marker of `annotation`. A type that cannot be a parameter: Refusal."""
    annotation = _unaliased(annotation)
    marker: Path | Query | None = None
    while get_origin(annotation) is Annotated:
        annotation, *extras = get_args(annotation)
        for extra in extras:
            marker = _marker(extra, annotation, marker)
        annotation = _unaliased(annotation)
    return Source(_kind(annotation), marker)


def _unaliased(annotation: object) -> object:
    """Behind `type X = ...` and NewType."""
    while True:
        alias: Any = get_origin(annotation) or annotation
        if _ALIAS_TYPE is not None and isinstance(alias, _ALIAS_TYPE):
            arguments = get_args(annotation)
            annotation = alias.__value__[arguments] if arguments else alias.__value__
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        else:
            return annotation


def _marker(extra: object, annotation: object, before: Path | Query | None) -> Path | Query | None:
    """The marker after one more item of Annotated."""
    if extra is Path or extra is Query:
        name = "Path" if extra is Path else "Query"
        raise Refusal(f"holds the class {name}: write Annotated[{shown(annotation)}, {name}()]")
    if isinstance(extra, (Path, Query)):
        if before is not None:
            raise Refusal(f"has two sources, {before!r} and {extra!r}: keep one")
        return extra
    if type(extra).__module__.partition(".")[0] == "annotated_types":
        raise Refusal(
            f"has the constraint {extra!r}: constraints arrive with the typed engine; check the value in the handler"
        )
    return before


def _kind(annotation: object) -> Kind:
    """The kind of an annotation without markers."""
    scalar = _SCALARS.get(annotation) if isinstance(annotation, type) else None
    if scalar is not None:
        return scalar
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is typing.Union or origin is types.UnionType:
        return _union(annotation, arguments)
    if origin is Literal:
        return ("literal", _literal(annotation, arguments))
    if origin is list and len(arguments) == 1:
        return _list(annotation, arguments[0])
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return ("enum", annotation, _members(annotation))
    raise Refusal(_why_not(annotation))


def _union(annotation: object, members: tuple[object, ...]) -> Kind:
    """`X | None` as X that may be None."""
    others = [member for member in members if member is not types.NoneType]
    if len(others) == 1 and len(members) == 2:
        source = read_annotation(others[0])
        if source.kind[0] == "request":
            raise Refusal("is Request or None: the request is always there; write `Request`")
        if source.marker is not None:
            raise Refusal(f"has its marker inside the union: write Annotated[... | None, {source.marker!r}]")
        return ("optional", source.kind)
    for member in others:
        _kind(_unaliased(member))
    raise Refusal(
        f"is {shown(annotation)}, a union of several types: take one type, or `str` and decide in the handler"
    )


def _list(annotation: object, item: object) -> Kind:
    """A repeated query field."""
    kind = _kind(_unaliased(item))
    if kind[0] in ("list", "optional", "request"):
        raise Refusal(f"is {shown(annotation)}: a list of a query field holds scalars; write list[str]")
    return ("list", kind)


def _members(annotation: type[enum.Enum]) -> dict[str, object]:
    """Wire text to member, aliases left out."""
    found: dict[str, object] = {}
    for member in annotation:
        text = _wire_text(member.value)
        if text is None:
            raise Refusal(
                f"is the enum {annotation.__qualname__} whose {member.name} is {member.value!r}: "
                "give it a str or int value"
            )
        if text in found:
            raise Refusal(
                f"is the enum {annotation.__qualname__} with two members written {text!r}: give each its own text"
            )
        found[text] = member
    if not found:
        raise Refusal(f"is the enum {annotation.__qualname__}, which has no members")
    return found


def _literal(annotation: object, values: tuple[object, ...]) -> dict[str, object]:
    """Wire text to value."""
    found: dict[str, object] = {}
    for value in values:
        text = ("true" if value else "false") if isinstance(value, bool) else _wire_text(value)
        if isinstance(value, enum.Enum):
            text = _wire_text(value.value)
        if value is None:
            raise Refusal(f"is {shown(annotation)}: write None outside, as Literal[...] | None")
        if text is None or text in found:
            raise Refusal(
                f"is {shown(annotation)}: its values must be str, int or bool, each with its own text; {value!r} is not"
            )
        found[text] = value
    return found


def _wire_text(value: object) -> str | None:
    """How a str or int is written; None for anything else."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__repr__(value)
    return None


def _why_not(annotation: object) -> str:
    """Why an annotation is no parameter, and what to do."""
    name = shown(annotation)
    if annotation is Any or annotation is object:
        return f"is {name}, which says nothing: write the type that the handler wants, as `str`"
    if isinstance(annotation, type) and issubclass(annotation, Response):
        return f"is {name}: an answer is returned, not taken; return it from the handler"
    if isinstance(annotation, type) and (annotation.__module__, annotation.__name__) in _LATER_SCALARS:
        return f"is {name}, which arrives with the typed engine: take `str` and convert it in the handler"
    if annotation is list:
        return "is a bare list: write what it holds, as list[str]"
    if annotation in (set, frozenset, tuple) or get_origin(annotation) in (set, frozenset, tuple):
        return f"is {name}: a repeated query field is a list; write list[str]"
    if isinstance(annotation, typing.TypeVar):
        return f"is the type variable {name}: write a concrete type"
    if _is_body(annotation):
        return f"is {name}, which is a body: {BODY_ADVICE}"
    return (
        f"is {name}, which is neither a scalar (str int float bool UUID Enum Literal) nor `Request`: "
        f"take one of these; {BODY_ADVICE}"
    )


def _is_body(annotation: object) -> bool:
    """Whether a JSON body could be decoded to it."""
    origin = get_origin(annotation) or annotation
    if origin in (dict, list, bytes, bytearray) or not isinstance(origin, type):
        return origin in (dict, list, bytes, bytearray)
    return (
        dataclasses.is_dataclass(origin)
        or typing.is_typeddict(origin)
        or issubclass(origin, (Mapping, bytes))
        or (issubclass(origin, tuple) and hasattr(origin, "_fields"))
        or any(
            hasattr(origin, mark)
            for mark in ("__struct_fields__", "__attrs_attrs__", "model_fields", "__pydantic_fields__")
        )
    )
