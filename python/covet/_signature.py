"""A handler's signature to plan data. Startup only.

Owns how hints are resolved and every rule of where a parameter comes from; knows nothing of routers or of the engine.
"""

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from covet._kinds import Refusal, read_annotation, shown
from covet._pattern import PathParameter
from covet._plan import Kind, ParameterPlan
from covet.errors import ConfigurationError
from covet.params import Path, Query


class NotInPath(ConfigurationError):
    """A parameter is marked as the path's, which may still come from a prefix around the router."""


Handler: TypeAlias = Callable[..., object]

_FITS: dict[str, frozenset[str]] = {
    "int": frozenset({"int", "float", "str", "enum", "literal"}),
    "float": frozenset({"float", "str"}),
    "uuid": frozenset({"uuid", "str"}),
    "str": frozenset({"str", "int", "float", "bool", "uuid", "enum", "literal"}),
    "path": frozenset({"str"}),
}


class Signature(NamedTuple):
    """What a handler takes and gives."""

    parameters: tuple[ParameterPlan, ...]
    answer: Literal["any", "empty"]
    """`empty` for `-> None`."""
    annotated: bool
    """Whether the answer has an annotation."""


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


def check_handler(handler: object) -> Handler:
    """`handler` where it can be one. A class, a generator function or no callable: ConfigurationError."""
    if isinstance(handler, type):
        raise ConfigurationError(
            f"{handler.__qualname__} is a class: a handler is a function; decorate a method of an instance, "
            f"or an instance with __call__"
        )
    if not callable(handler):
        raise ConfigurationError(f"{handler!r} is not callable: decorate a function")
    function = written(handler)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigurationError(
            f"{name_of(handler)} is a generator: streamed answers arrive later; return a list or a Response"
        )
    return handler


def name_of(handler: Handler) -> str:
    """What a handler is called, for `url_for`, logs and messages."""
    for candidate in (handler, called(handler)):
        name = getattr(candidate, "__name__", None)
        if isinstance(name, str) and name != "__call__":
            return name
    return type(handler).__name__


def read_signature(handler: Handler, path: Mapping[str, PathParameter], hints: Mapping[str, object]) -> Signature:
    """How to call `handler`, whose hints are resolved, for a route whose path names `path`.

    A parameter without a source, a path parameter that nobody takes: ConfigurationError.
    """
    plans = list[ParameterPlan]()
    bound = _bound_names(handler)
    for parameter in inspect.signature(handler).parameters.values():
        if parameter.name not in bound:
            plans.append(_parameter(parameter, hints.get(parameter.name, parameter.annotation), path))
    _check_together(plans, path)
    returned = hints.get("return", inspect.Signature.empty)
    empty = returned is None or returned is types.NoneType
    return Signature(tuple(plans), "empty" if empty else "any", returned is not inspect.Signature.empty)


def resolve_hints(handler: Handler, localns: Mapping[str, object]) -> dict[str, object]:
    """The annotations of a handler, resolved with its globals and `localns`. A name not defined yet: NameError."""
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


def _parameter(parameter: inspect.Parameter, annotation: object, path: Mapping[str, PathParameter]) -> ParameterPlan:
    """The plan of one parameter."""
    name = parameter.name
    if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        stars = "*" if parameter.kind is inspect.Parameter.VAR_POSITIONAL else "**"
        raise ConfigurationError(
            f"parameter '{stars}{name}' has no fixed names: write each parameter out, or take `request: Request`"
        )
    _check_default(parameter, annotation)
    if annotation is inspect.Parameter.empty:
        raise ConfigurationError(f"parameter '{name}' has no annotation: write `{name}: str`, or the type that it has")
    try:
        kind, marker = read_annotation(annotation)
    except Refusal as refusal:
        raise ConfigurationError(f"parameter '{name}' {refusal}") from None
    source = _source(name, kind, marker, path)
    alias = name if marker is None or marker.alias is None else marker.alias
    if source == "path":
        _check_converter(name, kind, annotation, path[alias])
    required = parameter.default is inspect.Parameter.empty
    return ParameterPlan(
        name=name,
        source=source,
        alias=alias,
        kind=kind,
        required=required,
        default=None if required else parameter.default,
        keyword=parameter.kind is inspect.Parameter.KEYWORD_ONLY,
    )


def _check_default(parameter: inspect.Parameter, annotation: object) -> None:
    """Refuse a marker as default value, showing the rewrite."""
    default = parameter.default
    if isinstance(default, (Query, Path)) or default is Query or default is Path:
        marker = repr(default) if isinstance(default, (Query, Path)) else f"{default.__name__}()"
        known = "str" if annotation is inspect.Parameter.empty else shown(annotation)
        raise ConfigurationError(
            f"parameter '{parameter.name}' has {marker} as its default value: "
            f"write `{parameter.name}: Annotated[{known}, {marker}]`"
        )


def _source(
    name: str, kind: Kind, marker: Path | Query | None, path: Mapping[str, PathParameter]
) -> Literal["request", "path", "query"]:
    """Where a parameter comes from."""
    if kind == ("request",):
        if marker is not None or name in path:
            taken = repr(marker) if marker is not None else f"the path's {{{name}}}"
            raise ConfigurationError(f"parameter '{name}' is the Request and also {taken}: take them as two parameters")
        return "request"
    if isinstance(marker, Query) or (marker is None and name not in path):
        return "query"
    alias = name if marker is None or marker.alias is None else marker.alias
    if alias not in path:
        names = ", ".join(f"{{{known}}}" for known in path) or "no parameters"
        raise NotInPath(f"parameter '{name}' is marked {marker!r}, but the path has {names}: name it {{{alias}}} there")
    return "path"


def _check_converter(name: str, kind: Kind, annotation: object, declared: PathParameter) -> None:
    """Refuse an annotation that the path's text can never become."""
    inner = kind[1] if kind[0] == "optional" else kind
    shape = str(inner[0]) if isinstance(inner, tuple) else ""
    if shape == "list":
        raise ConfigurationError(
            f"parameter '{name}' is {shown(annotation)}, but the path holds one value: write its item's type"
        )
    if shape not in _FITS[declared.converter or "str"]:
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
        if first != plan.name and plan.source != "request":
            raise ConfigurationError(
                f"parameters '{first}' and '{plan.name}' both read the {plan.source} field {plan.alias!r}: keep one"
            )
