"""Annotations to sources: where a parameter's value comes from, and what it is made of. Startup only.

Owns the rules of classification; what a type means is `covet._types`'s. Knows nothing of functions: `covet._signature`
asks it for each parameter.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, get_args, get_origin

from covet._plan import Shape
from covet._types.nodes import (
    BoolNode,
    BytesNode,
    CheckedNode,
    CustomNode,
    EnumNode,
    FloatNode,
    IntNode,
    ListNode,
    Node,
    NullableNode,
    ObjectNode,
    StrNode,
    TextNode,
    UnionNode,
)
from covet._types.reading import read_type
from covet.errors import ConfigurationError
from covet.params import Body, Cookie, File, Form, Header, Path, Query
from covet.requests import Request, UploadFile
from covet.responses import Response

Marker: TypeAlias = Query | Path | Header | Cookie | Form | Body | File
_MARKERS: Final = (Query, Path, Header, Cookie, Form, Body, File)
_ALIAS_TYPE: Final[Any] = getattr(typing, "TypeAliasType", None)
_SCALARS: Final = (BoolNode, IntNode, FloatNode, StrNode, TextNode, EnumNode)


class Refusal(Exception):
    """An annotation that no parameter can have: what is wrong with it, and what to do."""


class Declared(NamedTuple):
    """An annotation, understood."""

    marker: Marker | None
    node: Node | None
    """None for the request."""
    choices: tuple[tuple[Marker, Node], ...] = ()
    """A body by content type: each marker with its type."""
    file: "FileShape | None" = None
    """Where it is a file or several; then `node` is that of its bytes, or None for UploadFile."""


class FileShape(NamedTuple):
    """What a parameter takes of a form's files."""

    many: bool
    """All with its name, as a list."""
    as_bytes: bool
    """Their bytes, not UploadFile."""


def shown(annotation: object) -> str:
    """An annotation as a person writes it."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")


def read_annotation(annotation: object, localns: Mapping[str, object]) -> Declared:
    """The marker and type of `annotation`. A type that cannot be a parameter: Refusal."""
    inner, marker = _unmarked(annotation)
    if inner is Request:
        return Declared(marker, None)
    if (file := _file(inner, marker)) is not None:
        return Declared(marker, BytesNode() if file.as_bytes else None, file=file)
    if marker is None and (choices := _choices(inner, localns)):
        return Declared(None, choices[0][1], choices)
    _refuse(inner)
    return Declared(marker, _node(inner, localns))


def shape_of(node: Node) -> Shape | None:
    """How texts become the value; None for what no text can be: a body."""
    if isinstance(node, (NullableNode, CheckedNode)):
        return shape_of(node.inner)
    if isinstance(node, CustomNode):
        return "scalar" if shape_of(node.inner) == "scalar" else None
    if isinstance(node, UnionNode):
        return "scalar" if all(shape_of(option) == "scalar" for option in node.options) else None
    if isinstance(node, ListNode):
        return "list" if shape_of(node.item) == "scalar" else None
    return "scalar" if isinstance(node, _SCALARS) else None


def field_shape(node: Node) -> Shape | None:
    """Like `shape_of`, under a marker: an object of scalars and lists of them too."""
    plain = node.inner if isinstance(node, (NullableNode, CheckedNode)) else node
    if isinstance(plain, ObjectNode):
        return "object" if all(shape_of(each.node) for each in plain.fields) else None
    return shape_of(node)


def of_fields(node: Node | None, *, header: bool) -> Node | None:
    """An object that is read from a request's header fields or cookies.

    A request has others than it names, so none is unknown; of a header, `user_agent` is `user-agent` on the wire.
    """
    if isinstance(node, (NullableNode, CheckedNode)):
        return dataclasses.replace(node, inner=of_fields(node.inner, header=header) or node.inner)
    if not isinstance(node, ObjectNode):
        return node
    fields = node.fields
    if header:
        fields = [dataclasses.replace(each, alias=each.alias.replace("_", "-").lower()) for each in fields]
    return dataclasses.replace(node, fields=fields, forbid_unknown=False)


def doubled_text(node: Node) -> str | None:
    """A text that stands for two values of an Enum or a Literal, so that no text source can tell which is meant."""
    if isinstance(node, (NullableNode, CheckedNode)):
        return doubled_text(node.inner)
    if isinstance(node, ListNode):
        return doubled_text(node.item)
    if isinstance(node, ObjectNode):
        return next((text for each in node.fields if (text := doubled_text(each.node)) is not None), None)
    if not isinstance(node, EnumNode):
        return None
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value, _ in node.members]
    return next((text for text in texts if texts.count(text) > 1), None)


def is_bytes(node: Node) -> bool:
    """Whether the value is bytes, None aside."""
    return isinstance(node, BytesNode) or (isinstance(node, (NullableNode, CheckedNode)) and is_bytes(node.inner))


def is_text(node: Node) -> bool:
    """Whether the value is a str, None aside."""
    return isinstance(node, StrNode) or (isinstance(node, (NullableNode, CheckedNode)) and is_text(node.inner))


def _file(annotation: object, marker: Marker | None) -> FileShape | None:
    """What `annotation` takes of a form's files; None where it takes none."""
    inner = _without_none(annotation)
    many = get_origin(inner) is list
    item = _without_none(get_args(inner)[0]) if many else inner
    if item is UploadFile and isinstance(marker, (File, types.NoneType)):
        return FileShape(many, as_bytes=False)
    if item is UploadFile:
        raise Refusal(f"is {shown(annotation)} and also {marker!r}: a file comes from a form, write File() or nothing")
    if not isinstance(marker, File):
        return None
    if item is bytes:
        return FileShape(many, as_bytes=True)
    raise Refusal(f"is {shown(annotation)} under File(): take UploadFile, bytes or a list of one of them")


def _without_none(annotation: object) -> object:
    """`X` for `X | None`."""
    if get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation
    members = [member for member in get_args(annotation) if member is not types.NoneType]
    return members[0] if len(members) == 1 else annotation


def _node(annotation: object, localns: Mapping[str, object]) -> Node:
    try:
        return read_type(annotation, localns=localns)
    except ConfigurationError as error:
        text = str(error)
        rest = text.removeprefix("the type ")
        raise Refusal(rest if rest != text else f"holds a mistake: {text}") from None


def _unaliased(annotation: object) -> object:
    """Behind `type X = ...`."""
    while True:
        alias: Any = get_origin(annotation) or annotation
        if _ALIAS_TYPE is None or not isinstance(alias, _ALIAS_TYPE):
            return annotation
        arguments = get_args(annotation)
        annotation = alias.__value__[arguments] if arguments else alias.__value__


def _unmarked(annotation: object) -> tuple[object, Marker | None]:
    """The annotation without its marker, and the marker."""
    annotation = _unaliased(annotation)
    if get_origin(annotation) is not Annotated:
        return annotation, None
    inner, *extras = get_args(annotation)
    inner, marker = _unmarked(inner)
    kept = list[object]()
    for extra in extras:
        if isinstance(extra, type) and issubclass(extra, _MARKERS):
            raise Refusal(f"holds the class {extra.__name__}: write Annotated[{shown(inner)}, {extra.__name__}()]")
        if not isinstance(extra, _MARKERS):
            kept.append(extra)
        elif marker is not None:
            raise Refusal(f"has two sources, {marker!r} and {extra!r}: keep one")
        else:
            marker = extra
    if kept:
        annotated: Any = Annotated
        inner = annotated[(inner, *kept)]
    return inner, marker


def _choices(annotation: object, localns: Mapping[str, object]) -> tuple[tuple[Marker, Node], ...]:
    """A union whose members say their content types; empty for any other annotation."""
    if get_origin(annotation) not in (typing.Union, types.UnionType):
        return ()
    members = [_unmarked(member) for member in get_args(annotation)]
    marked = [(inner, marker) for inner, marker in members if marker is not None]
    if not marked:
        return ()
    if len(marked) == 1 and any(inner is types.NoneType for inner, _ in members):
        raise Refusal(f"has its marker inside the union: write Annotated[... | None, {marked[0][1]!r}]")
    if len(marked) != len(members) or not all(isinstance(marker, (Body, Form)) for _, marker in marked):
        raise Refusal(
            f"is {shown(annotation)}: a union by content type says Body() or Form() for each of its types, "
            "as Annotated[A, Body()] | Annotated[B, Form()]"
        )
    return tuple((marker, _node(inner, localns)) for inner, marker in marked)


def _refuse(annotation: object) -> None:
    """What says nothing about a value, or is no value."""
    name = shown(annotation)
    if annotation is Any or annotation is object:
        raise Refusal(f"is {name}, which says nothing: write the type that the handler wants, as `str`")
    if isinstance(annotation, type) and issubclass(annotation, Response):
        raise Refusal(f"is {name}: an answer is returned, not taken; return it from the handler")
    if annotation in (list, set, frozenset, tuple, dict):
        held = "str, int" if annotation is dict else "str"
        raise Refusal(f"is a bare {name}: write what it holds, as {name}[{held}]")
    if UploadFile in (annotation, *get_args(annotation)):
        raise Refusal(f"is {name}: take UploadFile, UploadFile | None or list[UploadFile]")
    if isinstance(annotation, typing.TypeVar):
        raise Refusal(f"is the type variable {name}: write a concrete type")
    if get_origin(annotation) in (typing.Union, types.UnionType) and Request in get_args(annotation):
        raise Refusal("is Request or None: the request is always there; write `Request`")


def kinds_of(node: Node) -> frozenset[Literal["str", "int", "float", "bool", "uuid", "choice", "other"]]:
    """What texts the value may come from, for the converter of a path."""
    if isinstance(node, (NullableNode, CheckedNode)):
        return kinds_of(node.inner)
    if isinstance(node, UnionNode):
        return frozenset().union(*(kinds_of(option) for option in node.options))
    if isinstance(node, TextNode):
        return frozenset({"uuid" if node.name == "uuid" else "other"})
    known: dict[type[Node], Literal["str", "int", "float", "bool", "choice"]] = {
        StrNode: "str",
        IntNode: "int",
        FloatNode: "float",
        BoolNode: "bool",
        EnumNode: "choice",
    }
    return frozenset({known.get(type(node), "other")})


def exact_types(node: Node | None) -> frozenset[type] | None:
    """The exact types that a decoded value may have; None where code of the user's may hide in them."""
    if isinstance(node, NullableNode):
        inner = exact_types(node.inner)
        return None if inner is None else inner | {type(None)}
    if isinstance(node, EnumNode) and node.cls is None:
        return frozenset(type(value) for _, value in node.members)
    if isinstance(node, ListNode) and node.cls is list:
        return frozenset({list})
    known: dict[object, type] = {StrNode: str, IntNode: int, FloatNode: float, BoolNode: bool}
    found = known.get(type(node))
    return None if found is None else frozenset({found})
