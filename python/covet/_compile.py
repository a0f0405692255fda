"""Declarations to plans: what the engine is given at start.

Knows routes and settings; nothing of the engine or of requests.
"""

import dataclasses
import os
from collections.abc import Iterator
from typing import Final, NamedTuple

from covet._modes import decide
from covet._plan import FilesPlan, FormLimits, RoutePlan
from covet.config import Limits
from covet.errors import ConfigurationError
from covet.middleware import minimum_size
from covet.routing import Found, Routes
from covet.settings import ServerSettings

_CANCELLED: Final = frozenset({"GET", "HEAD", "QUERY"})


class Compiled(NamedTuple):
    """A plan, and why its mode was chosen."""

    plan: RoutePlan
    reason: str


def compile_routes(routes: Routes, settings: ServerSettings) -> Iterator[Compiled]:
    """A plan for each route, in the order of the declarations. What cannot hold: ConfigurationError."""
    for found in routes._walk("", ()):
        yield _compile(found, settings)


def compile_files(routes: Routes) -> Iterator[FilesPlan]:
    """A plan for each directory, in the order of the declarations. No such directory: ConfigurationError."""
    for found in routes._walk_files(""):
        declared = found.files
        directory = os.path.abspath(declared.directory)
        if not os.path.isdir(directory):
            raise ConfigurationError(f"{declared.place}: there is no directory {directory!r}: create it or correct it")
        if "{" in found.path:
            raise ConfigurationError(
                f"{declared.place}: the full path of static files is {found.path!r}: it takes no parameters"
            )
        yield FilesPlan(
            path=found.path.rstrip("/"),
            directory=directory,
            spa=declared.spa,
            origin=_relative(str(declared.place)),
            compress=minimum_size(found.middleware),
        )


def _compile(found: Found, settings: ServerSettings) -> Compiled:
    route = found.route
    if not found.path.startswith("/"):
        raise route.mistake(ConfigurationError(f'the full path is {found.path!r}: it starts with "/"'))
    signature = route.signature(found.path)
    try:
        decision = decide(route.handler, signature.parameters, route.options.get("blocking"))
    except ConfigurationError as error:
        raise route.mistake(error) from None
    policy = route.options.get("on_disconnect") or ("cancel" if _CANCELLED.issuperset(route.methods) else "finish")
    answer = signature.returned.plan
    unknown = _says(found.limits, "unknown_fields")
    max_body, timeout = _says(found.limits, "max_body"), _says(found.limits, "timeout")
    coded = _says(found.limits, "compressed_body")
    concurrency, waiting = _says(found.limits, "max_concurrency"), _says(found.limits, "queue")
    most = None if concurrency is None else concurrency.max_concurrency
    if most is None and waiting is not None and waiting is route.limits and waiting.queue:
        raise route.mistake(
            ConfigurationError(f"queue is {waiting.queue}, but nothing waits without max_concurrency: set that too")
        )
    plan = RoutePlan(
        methods=route.methods,
        path=found.path,
        handler=route.handler,
        name=route.name,
        origin=_relative(route.origin),
        mode=decision.mode,
        guards=decision.guards,
        parameters=signature.parameters,
        status_code=route.options.get("status_code", 204 if answer.form == "empty" else 200),
        body=signature.body,
        answer=answer,
        forbid_unknown=unknown is not None and unknown.unknown_fields == "forbid",
        form_limits=_form_limits(found.limits, settings),
        max_body=settings.max_body if max_body is None else max_body.max_body,
        compressed_body=coded is not None and coded.compressed_body,
        compress=minimum_size(found.middleware),
        timeout=None if timeout is None else timeout.timeout,
        max_concurrency=most,
        queue=0 if waiting is None else waiting.queue,
        cancel_on_disconnect=policy == "cancel",
    )
    return Compiled(plan, decision.reason)


def _form_limits(limits: tuple[Limits, ...], settings: ServerSettings) -> FormLimits:
    """What forms may hold, by the nearest limits that say it."""
    fields, parts = _says(limits, "form_fields"), _says(limits, "multipart_parts")
    files, field_size = _says(limits, "multipart_files"), _says(limits, "multipart_field_size")
    size = settings.max_multipart_field if field_size is None else field_size.multipart_field_size
    return FormLimits(
        fields=settings.max_query_fields if fields is None else fields.form_fields,
        parts=settings.max_multipart_parts if parts is None else parts.multipart_parts,
        files=settings.max_multipart_files if files is None else files.multipart_files,
        head=settings.max_multipart_head,
        head_fields=settings.max_multipart_head_fields,
        field_size=size,
        all_fields=max(settings.max_multipart_fields, size),
    )


def _says(limits: tuple[Limits, ...], name: str) -> Limits | None:
    """The nearest limits that say `name`."""
    return next((limit for limit in limits if limit.says(name)), None)


def _relative(origin: str) -> str:
    """`origin` below the working directory without it."""
    return origin.removeprefix(os.getcwd() + os.sep)


def with_debug(settings: ServerSettings, *, debug: bool) -> ServerSettings:
    """`settings` with the application's word on debug, which reloading turns on in any case."""
    return dataclasses.replace(settings, debug=settings.debug or debug)
