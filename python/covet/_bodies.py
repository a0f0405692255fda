"""The body of a route: which parameters own it, and how it is read by its content type. Startup only.

Knows parameters that were classified already; nothing of functions or of the engine.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from covet._plan import BodyPlan, BodyReader
from covet._sources import FileShape, Marker, field_shape, is_bytes, is_text
from covet._types.nodes import FieldNode, Node, ObjectNode
from covet.errors import ConfigurationError
from covet.params import Body, File, Form

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


class BodyParameter(NamedTuple):
    """A parameter that is the body, a part of it, or a field of its form."""

    name: str
    alias: str
    node: Node
    choices: tuple[tuple[Marker, Node], ...]
    """By content type; at least one: (marker, type)."""
    required: bool
    default: object
    file: FileShape | None = None
    """Where it is a file of a form."""

    @property
    def is_form(self) -> bool:
        """Whether it takes fields or files of a form that others may take some of too."""
        return len(self.choices) == 1 and isinstance(self.choices[0][0], (Form, File))


def body_plan(parameters: Sequence[BodyParameter]) -> BodyPlan | None:
    """How the body is read for all of `parameters`; None where there are none. Two owners: ConfigurationError."""
    if not parameters:
        return None
    forms = [parameter for parameter in parameters if parameter.is_form]
    if forms and len(forms) < len(parameters):
        other = next(parameter for parameter in parameters if not parameter.is_form)
        raise ConfigurationError(
            f"parameters '{forms[0].name}' and '{other.name}' both own the body, one as a form: "
            "mark both as the form's, or none"
        )
    if forms:
        return _form_plan(forms)
    if len(parameters) == 1:
        (only,) = parameters
        readers = [reader for choice in only.choices for reader in _readers(only, *choice)]
        return BodyPlan(_distinct(only.name, readers), spread=False)
    return BodyPlan((BodyReader("json", JSON, _together(parameters)),), spread=True)


def _form_plan(forms: Sequence[BodyParameter]) -> BodyPlan:
    """A form of which `forms` take fields and files. One with files is never urlencoded."""
    files = [parameter for parameter in forms if parameter.file is not None]
    multipart = BodyReader("multipart", MULTIPART, None)
    return BodyPlan(
        (multipart,) if files else (BodyReader("form", FORM, None), multipart),
        spread=False,
        in_memory=any(parameter.file is not None and parameter.file.as_bytes for parameter in files),
        sha256=any(isinstance(each.choices[0][0], File) and each.choices[0][0].sha256 for each in files),
    )


def _readers(parameter: BodyParameter, marker: Marker, node: Node) -> list[BodyReader]:
    """The readers of one marker."""
    if not isinstance(marker, Body):
        return _form(parameter, node)
    if not marker.content_types:
        if is_bytes(node):
            return [BodyReader("bytes", "*/*", node)]
        return [BodyReader("json", JSON, node)]
    found = list[BodyReader]()
    for given in marker.content_types:
        if given == "form":
            found += _form(parameter, node)
        else:
            found.append(_reader(parameter, JSON if given == "json" else given.lower(), node))
    return found


def _reader(parameter: BodyParameter, media_type: str, node: Node) -> BodyReader:
    """The reader of one content type."""
    if media_type.count("/") != 1 or any(mark in media_type for mark in " ;,"):
        raise ConfigurationError(
            f"parameter '{parameter.name}' has the content type {media_type!r}: "
            'write "json", "form" or a media type, as "text/plain"'
        )
    if is_bytes(node):
        return BodyReader("bytes", media_type, node)
    if media_type in (FORM, MULTIPART):
        return next(reader for reader in _form(parameter, node) if reader.media_type == media_type)
    if media_type == JSON or media_type.endswith("+json"):
        return BodyReader("json", media_type, node)
    if is_text(node):
        return BodyReader("text", media_type, node)
    raise ConfigurationError(
        f"parameter '{parameter.name}' has the content type {media_type!r}, which is neither JSON nor a form: "
        "take bytes or str"
    )


def _form(parameter: BodyParameter, node: Node) -> list[BodyReader]:
    """A form as one object."""
    if field_shape(node) != "object":
        raise ConfigurationError(
            f"parameter '{parameter.name}' is a form by its content type: take a type with named fields, "
            "each a scalar or a list of scalars"
        )
    return [BodyReader("form", FORM, node), BodyReader("multipart", MULTIPART, node)]


def _distinct(name: str, readers: list[BodyReader]) -> tuple[BodyReader, ...]:
    """`readers`, if no content type has two."""
    seen = set[str]()
    for reader in readers:
        if reader.media_type in seen:
            raise ConfigurationError(
                f"parameter '{name}' has two types for {reader.media_type}: write one of them, or a union inside Body()"
            )
        seen.add(reader.media_type)
    return tuple(readers)


def _together(parameters: Sequence[BodyParameter]) -> Node:
    """Several parameters as the fields of one object."""
    for parameter in parameters:
        marker = parameter.choices[0][0]
        is_typed = isinstance(marker, Body) and marker.content_types
        if len(parameter.choices) > 1 or is_typed or is_bytes(parameter.node):
            raise ConfigurationError(
                f"parameter '{parameter.name}' is one of several body parameters, which are fields of one JSON object: "
                "take one body parameter, or JSON for all"
            )
    fields = [
        FieldNode(each.alias, each.alias, each.node, required=each.required, default=each.default)
        for each in parameters
    ]
    return ObjectNode(cls=dict, name="Body", build="dict", fields=fields)
