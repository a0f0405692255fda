"""Return annotations: what a handler's value becomes. Startup only.

Owns the rules of api "Answers"; what a type means is `covet._types`'s. Knows nothing of functions or of the engine.
"""

import inspect
import types
import typing
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Generator,
    Iterator,
    Mapping,
)
from typing import Annotated, Any, Final, NamedTuple, get_args, get_origin

from covet._plan import AnswerPlan
from covet._sources import is_bytes, is_text, shown
from covet._types.nodes import AnyNode, BytesNode, Node, NullableNode, StrNode
from covet._types.reading import read_type
from covet.errors import ConfigurationError
from covet.responses import Event, Response

_ALIAS_TYPE: Final[Any] = getattr(typing, "TypeAliasType", None)
_ITERATORS: Final = (Iterator, Generator, AsyncIterator, AsyncGenerator, AsyncIterable)
EMPTY: Final = AnswerPlan("empty", None, by_attribute=False, check=False)
ANY: Final = AnswerPlan("any", None, by_attribute=False, check=False)


class Returned(NamedTuple):
    """A return annotation, understood."""

    plan: AnswerPlan
    annotated: bool


def read_returned(
    annotation: object, options: Mapping[str, Any], localns: Mapping[str, object], *, generator: bool = False
) -> Returned:
    """What `annotation` says of the answer, `inspect.Signature.empty` nothing; the route's `options` come first.

    `generator`: the handler is one, so it gives items whatever it says.

    What is no answer: ConfigurationError.
    """
    items = _items(annotation, generator=generator)
    if items is not None:
        for name in ("response_model", "response_check"):
            if options.get(name):
                raise ConfigurationError(f"{name} is for one value: annotate the items, as in AsyncIterator[Item]")
        return Returned(_streamed(items, localns), annotation is not inspect.Signature.empty)
    if "response_model" in options:
        node = _read(options["response_model"], localns)
        plan, annotated = AnswerPlan("json", node, by_attribute=True, check=False), True
    else:
        plan, annotated = _annotated(annotation, localns), annotation is not inspect.Signature.empty
    if options.get("response_check", False):
        if plan.node is None:
            raise ConfigurationError("response_check=True needs a type to check: annotate what the handler returns")
        plan = AnswerPlan(plan.form, plan.node, plan.by_attribute, check=True)
    return Returned(plan, annotated)


def _items(annotation: object, *, generator: bool) -> object | None:
    """What the items of a stream are declared to be; None where the answer is no stream."""
    origin = get_origin(annotation) or annotation
    if origin in _ITERATORS:
        return next(iter(get_args(annotation)), Any)
    if not generator:
        return None
    if annotation is inspect.Signature.empty or annotation is Any:
        return Any
    raise ConfigurationError(
        f"a generator gives items one by one, so it cannot return {shown(annotation)}: "
        "annotate it with Iterator[...] or AsyncIterator[...]"
    )


def _streamed(item: object, localns: Mapping[str, object]) -> AnswerPlan:
    """The plan of items of this type."""
    if (get_origin(item) or item) is Event:
        data = next(iter(get_args(item)), Any)
        return AnswerPlan("events", _item(data, localns), by_attribute=False, check=False)
    node = _item(item, localns)
    if isinstance(node, StrNode | BytesNode):
        raise ConfigurationError(
            f"the answer is a stream of {shown(item)}, which has no media type of its own: "
            "return StreamingResponse(...), or give Event[str] for server-sent events"
        )
    return AnswerPlan("lines", node, by_attribute=False, check=False)


def _item(item: object, localns: Mapping[str, object]) -> Node | None:
    return None if item is Any or item is object else _read(item, localns)


def _annotated(annotation: object, localns: Mapping[str, object]) -> AnswerPlan:
    """The plan of a return annotation."""
    if annotation is inspect.Signature.empty:
        return ANY
    if annotation is None or annotation is types.NoneType:
        return EMPTY
    inner = _without_responses(annotation)
    if inner is None or inner is Any or inner is object:
        return ANY
    return _plan(_read(inner, localns), annotation)


def _read(annotation: object, localns: Mapping[str, object]) -> Node:
    try:
        return read_type(annotation, localns=localns)
    except ConfigurationError as error:
        raise ConfigurationError(f"the answer {str(error).removeprefix('the type ')}") from None


def _plan(node: Node, annotation: object) -> AnswerPlan:
    """The plan of a type that is no Response."""
    if isinstance(node, StrNode):
        return AnswerPlan("text", None, by_attribute=False, check=False)
    if isinstance(node, BytesNode):
        return AnswerPlan("bytes", None, by_attribute=False, check=False)
    if isinstance(node, AnyNode):
        return ANY
    if _mixes(node):
        raise ConfigurationError(
            f"the answer is {shown(annotation)}, text in one case and JSON in another: "
            "write JSONResponse[...], or return one of them"
        )
    return AnswerPlan("json", node, by_attribute=False, check=False)


def _mixes(node: Node) -> bool:
    """Whether str or bytes is one of several types, so that the content type would hang on the value."""
    options = [node.inner] if isinstance(node, NullableNode) else getattr(node, "options", [])
    return any(is_text(option) or is_bytes(option) for option in options)


def _without_responses(annotation: Any) -> Any:
    """The annotation without Response kinds; None where nothing is left."""
    while _ALIAS_TYPE is not None and isinstance(annotation, _ALIAS_TYPE):
        annotation = annotation.__value__
    if get_origin(annotation) is Annotated:
        return annotation if _without_responses(get_args(annotation)[0]) is not None else None
    origin = get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        members = get_args(annotation)
        kept = [member for member in members if not _is_response(member)]
        if len(kept) == len(members):
            return annotation
        return _joined(kept)
    return None if _is_response(annotation) else annotation


def _joined(kept: list[Any]) -> Any:
    """The union of what is left."""
    if not kept:
        return None
    union: Any = typing.Union
    return union[tuple(kept)]


def _is_response(annotation: object) -> bool:
    """Whether a value of this type is an answer as it is."""
    origin = get_origin(annotation) or annotation
    return isinstance(origin, type) and issubclass(origin, Response)
