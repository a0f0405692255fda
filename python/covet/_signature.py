"""A handler's signature to plan data. Startup only.

Owns how hints are resolved and every rule of where a parameter comes from; knows nothing of routers or of the engine.
"""

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from covet._answers import Returned, read_returned
from covet._bodies import BodyParameter, body_plan
from covet._pattern import PathParameter
from covet._plan import BodyPlan, ParameterPlan, Shape, Source
from covet._sources import (
    Declared,
    Marker,
    Refusal,
    doubled_text,
    field_shape,
    is_bytes,
    kinds_of,
    of_fields,
    read_annotation,
    shape_of,
    shown,
)
from covet._types.nodes import BytesNode, Node
from covet.errors import ConfigurationError
from covet.params import Body, Cookie, File, Form, Header, Path, Query


class NotInPath(ConfigurationError):
    """A parameter is marked as the path's, which may still come from a prefix around the router."""


Handler: TypeAlias = Callable[..., object]

_FITS: Final[dict[str, frozenset[str]]] = {
    "int": frozenset({"int", "float", "str", "choice"}),
    "float": frozenset({"float", "str"}),
    "uuid": frozenset({"uuid", "str"}),
    "str": frozenset({"str", "int", "float", "bool", "uuid", "choice", "other"}),
    "path": frozenset({"str"}),
}
_SOURCES: Final[dict[type[Marker], Source]] = {
    Path: "path",
    Query: "query",
    Header: "header",
    Cookie: "cookie",
    Form: "form",
    Body: "body",
    File: "file",
}


class Hints(NamedTuple):
    """A handler's annotations, resolved and understood once: names of the place are needed no more."""

    parameters: list[inspect.Parameter]
    """Those that a request fills."""
    annotations: Mapping[str, object]
    declared: Mapping[str, Declared]
    returned: Returned


class Signature(NamedTuple):
    """What a handler takes and gives."""

    parameters: tuple[ParameterPlan, ...]
    body: BodyPlan | None
    returned: Returned


class _Read(NamedTuple):
    """One parameter, and what it has of the body."""

    plan: ParameterPlan
    body: BodyParameter | None


def called(handler: Handler) -> object:
    """The function whose code runs when `handler` is called: behind partial, methods and callable objects."""
    inner: Any = handler
    while True:
        if isinstance(inner, functools.partial):
            inner = inner.func
        elif isinstance(inner, (types.MethodType, staticmethod)):
            inner = inner.__func__
        elif isinstance(inner, (types.FunctionType, types.BuiltinFunctionType)) or not callable(inner):
            return inner
        else:
            call = inspect.getattr_static(type(inner), "__call__")
            if not isinstance(call, (types.FunctionType, staticmethod, functools.partial)):
                return inner
            inner = call


def written(handler: Handler) -> object:
    """The function that carries the signature: as `called`, and behind functools.wraps."""
    inner = called(handler)
    while (behind := getattr(inner, "__wrapped__", None)) is not None:
        inner = called(behind)
    return inner


def is_async(handler: Handler) -> bool:
    """Whether calling `handler` gives a coroutine by declaration, behind functools.wraps too."""
    return any(inspect.iscoroutinefunction(function) for function in (handler, called(handler), written(handler)))


def is_generator(handler: Handler) -> bool:
    """Whether calling `handler` gives an iterator by declaration, behind functools.wraps too."""
    functions = (handler, called(handler), written(handler))
    return any(inspect.isgeneratorfunction(it) or inspect.isasyncgenfunction(it) for it in functions)


def check_handler(handler: object) -> Handler:
    """`handler` where it can be one. A class or no callable: ConfigurationError."""
    if isinstance(handler, type):
        raise ConfigurationError(
            f"{handler.__qualname__} is a class: a handler is a function; decorate a method of an instance, "
            f"or an instance with __call__"
        )
    if not callable(handler):
        raise ConfigurationError(f"{handler!r} is not callable: decorate a function")
    return handler


def name_of(handler: Handler) -> str:
    """What a handler is called, for `url_for`, logs and messages."""
    for candidate in (handler, called(handler)):
        name = getattr(candidate, "__name__", None)
        if isinstance(name, str) and name != "__call__":
            return name
    return type(handler).__name__


def read_hints(
    handler: Handler, localns: Mapping[str, object], options: Mapping[str, Any] = types.MappingProxyType({})
) -> Hints:
    """The annotations of a handler, with its globals and `localns`, and what the route's `options` say of the answer.

    A name not defined yet: NameError. What no parameter or answer can have: ConfigurationError.
    """
    annotations = _resolved(handler, localns)
    parameters = _open_parameters(handler)
    declared = dict[str, Declared]()
    for parameter in parameters:
        annotation = annotations.get(parameter.name, parameter.annotation)
        _check_default(parameter, annotation)
        if annotation is inspect.Parameter.empty:
            raise ConfigurationError(
                f"parameter '{parameter.name}' has no annotation: "
                f"write `{parameter.name}: str`, or the type that it has"
            )
        try:
            declared[parameter.name] = read_annotation(annotation, localns)
        except Refusal as refusal:
            raise ConfigurationError(f"parameter '{parameter.name}' {refusal}") from None
    annotation = annotations.get("return", inspect.Signature.empty)
    returned = read_returned(annotation, options, localns, generator=is_generator(handler))
    return Hints(parameters, annotations, declared, returned)


def read_signature(path: Mapping[str, PathParameter], hints: Hints) -> Signature:
    """How to call the handler of `hints` for a route whose path names `path`.

    A parameter without a source, a path parameter that nobody takes, two owners of the body: ConfigurationError.
    """
    found = [_parameter(parameter, hints, path) for parameter in hints.parameters]
    plans = [each.plan for each in found]
    _check_together(plans, path)
    body = body_plan([each.body for each in found if each.body is not None])
    return Signature(tuple(plans), body, hints.returned)


def _open_parameters(handler: Handler) -> list[inspect.Parameter]:
    """The parameters that a request fills. `*args` and `**kwargs`: ConfigurationError."""
    bound = _bound_names(handler)
    found = [each for each in inspect.signature(handler).parameters.values() if each.name not in bound]
    for parameter in found:
        if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            stars = "*" if parameter.kind is inspect.Parameter.VAR_POSITIONAL else "**"
            raise ConfigurationError(
                f"parameter '{stars}{parameter.name}' has no fixed names: "
                "write each parameter out, or take `request: Request`"
            )
    return found


def _resolved(handler: Handler, localns: Mapping[str, object]) -> dict[str, object]:
    """The annotations as objects."""
    function = written(handler)
    if not isinstance(function, types.FunctionType):
        return {}
    globalns = function.__globals__
    names = {**globalns, **localns} if localns else globalns
    return typing.get_type_hints(function, globalns, names, include_extras=True)


def _bound_names(handler: Handler) -> set[str]:
    """Parameters that functools.partial has filled by keyword: never a client's to set."""
    bound = set[str]()
    inner: object = handler
    while isinstance(inner, functools.partial):
        bound |= inner.keywords.keys()
        inner = inner.func
    return bound


def _parameter(parameter: inspect.Parameter, hints: Hints, path: Mapping[str, PathParameter]) -> _Read:
    """The plan of one parameter."""
    name, declared = parameter.name, hints.declared[parameter.name]
    annotation = hints.annotations.get(name, parameter.annotation)
    try:
        source = _source(name, declared, path)
        shape = _shape(source, declared, annotation)
    except Refusal as refusal:
        raise ConfigurationError(f"parameter '{name}' {refusal}") from None
    alias = _alias(name, source, declared.marker)
    if source in ("header", "cookie") and shape == "object":
        declared = declared._replace(node=of_fields(declared.node, header=source == "header"))
    if source == "path" and declared.node is not None:
        _check_converter(name, declared.node, annotation, path[alias])
    required = parameter.default is inspect.Parameter.empty
    default = None if required else parameter.default
    plan = ParameterPlan(
        name=name,
        source=source,
        alias=alias,
        node=None if source == "body" else declared.node,
        shape=shape,
        required=required,
        default=default,
        keyword=parameter.kind is inspect.Parameter.KEYWORD_ONLY,
    )
    if declared.file is not None:
        file, node = declared.marker or File(), BytesNode()
        return _Read(plan, BodyParameter(name, alias, node, ((file, node),), required, default, declared.file))
    if declared.node is None or source not in ("body", "form"):
        return _Read(plan, None)
    marker = Body() if declared.marker is None else declared.marker
    choices = declared.choices or ((marker, declared.node),)
    return _Read(plan, BodyParameter(name, alias, declared.node, choices, required, default))


def _check_default(parameter: inspect.Parameter, annotation: object) -> None:
    """Refuse a marker as default value, showing the rewrite."""
    default: Any = parameter.default
    markers = tuple(_SOURCES)
    classes = [each for each in markers if default is each]
    if classes or isinstance(default, markers):
        marker = f"{classes[0].__name__}()" if classes else repr(default)
        known = "str" if annotation is inspect.Parameter.empty else shown(annotation)
        raise ConfigurationError(
            f"parameter '{parameter.name}' has {marker} as its default value: "
            f"write `{parameter.name}: Annotated[{known}, {marker}]`"
        )


def _source(name: str, declared: Declared, path: Mapping[str, PathParameter]) -> Source:
    """Where a parameter comes from."""
    marker, node = declared.marker, declared.node
    if declared.file is not None:
        if name in path:
            raise Refusal(f"is a file and also the path's {{{name}}}: take them as two parameters")
        return "file"
    if node is None:
        if marker is not None or name in path:
            taken = repr(marker) if marker is not None else f"the path's {{{name}}}"
            raise Refusal(f"is the Request and also {taken}: take them as two parameters")
        return "request"
    if marker is None:
        if declared.choices:
            return "body"
        if name in path:
            return "path"
        if is_bytes(node):
            raise Refusal("is bytes: write Annotated[bytes, Body()] for the raw body")
        return "body" if shape_of(node) is None else "query"
    source = _SOURCES[type(marker)]
    alias = _alias(name, source, marker)
    if source == "path" and alias not in path:
        names = ", ".join(f"{{{known}}}" for known in path) or "no parameters"
        raise NotInPath(f"parameter '{name}' is marked {marker!r}, but the path has {names}: name it {{{alias}}} there")
    return source


def _shape(source: Source, declared: Declared, annotation: object) -> Shape:
    """How texts become the value."""
    if declared.file is not None:
        return "list" if declared.file.many else "scalar"
    if declared.node is None or source == "body":
        return "scalar"
    shape = shape_of(declared.node) if declared.marker is None or source == "path" else field_shape(declared.node)
    if shape is None or is_bytes(declared.node):
        raise Refusal(
            f"is {shown(annotation)}, which no {source} field can hold: take a scalar, a list of scalars, "
            "or a type whose fields are these"
        )
    if (text := doubled_text(declared.node)) is not None:
        raise Refusal(f"is {shown(annotation)}, of which two values are written {text!r}: give each its own text")
    if source == "path" and shape == "list":
        raise Refusal(f"is {shown(annotation)}, but the path holds one value: write its item's type")
    return shape


def _alias(name: str, source: Source, marker: Marker | None) -> str:
    """The name on the wire."""
    given = None if marker is None or isinstance(marker, Body) else marker.alias
    if source == "header":
        return (given or name.replace("_", "-")).lower()
    return given or name


def _check_converter(name: str, node: Node, annotation: object, declared: PathParameter) -> None:
    """Refuse an annotation that the path's text can never become."""
    if not kinds_of(node) & _FITS[declared.converter or "str"]:
        raise ConfigurationError(
            f"parameter '{name}' is {shown(annotation)}, but the path says {{{declared.name}:{declared.converter}}}: "
            f"make them agree, or write {{{declared.name}}}"
        )


def _check_together(plans: list[ParameterPlan], path: Mapping[str, PathParameter]) -> None:
    """Rules over all parameters: every path parameter is taken, no query field twice."""
    taken = {plan.alias for plan in plans if plan.source == "path"}
    left = [name for name in path if name not in taken]
    if left and not any(plan.source == "request" for plan in plans):
        kind = {"int": "int", "float": "float", "uuid": "UUID"}.get(path[left[0]].converter or "", "str")
        raise ConfigurationError(
            f"the path has {{{left[0]}}}, but the handler does not take it: "
            f"add `{left[0]}: {kind}`, or take `request: Request` and read `request.path_params`"
        )
    seen: dict[tuple[str, str], str] = {}
    for plan in plans:
        first = seen.setdefault((plan.source, plan.alias), plan.name)
        if first != plan.name and plan.source not in ("request", "body") and plan.shape != "object":
            raise ConfigurationError(
                f"parameters '{first}' and '{plan.name}' both read the {plan.source} field {plan.alias!r}: keep one"
            )
