"""pydantic's classes (v2), where the program has imported pydantic: models, dataclasses, Field and AfterValidator.

Owns how they are said with nodes and markers. A model reads, checks, writes and describes itself, by its own rules.
Nothing here imports the package.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from covet import params
from covet._types.nodes import AnyNode, CustomNode, Node
from covet.errors import ConfigurationError


def is_pydantic(cls: type[Any]) -> bool:
    """Whether pydantic builds `cls`: a model or a pydantic dataclass."""
    return "pydantic" in sys.modules and hasattr(cls, "__pydantic_validator__")


def read_pydantic(annotation: Any, cls: type[Any]) -> Node:
    """A model, its parameters included, as a type with code of its own."""
    pydantic = sys.modules["pydantic"]
    if issubclass(cls, pydantic.BaseModel):
        import json  # only where pydantic is

        model = annotation
        # With strict=True only pydantic's JSON reader takes "2024-01-01" for a date.
        strict = bool(cls.model_config.get("strict"))
        decode: Callable[[Any], Any] = (
            (lambda value: model.model_validate_json(json.dumps(value))) if strict else (model.model_validate)
        )
        return CustomNode(
            cls,
            AnyNode(),
            decode,
            encode=lambda value: value.model_dump(mode="json", by_alias=True),
            schema=_Lazy(lambda: model.model_json_schema(by_alias=True)),
        )
    adapter = pydantic.TypeAdapter(annotation)
    return CustomNode(
        cls,
        AnyNode(),
        decode=adapter.validate_python,
        encode=lambda value: adapter.dump_python(value, mode="json", by_alias=True),
        schema=_Lazy(adapter.json_schema),
    )


class _Lazy(Mapping[str, Any]):
    """A schema that is made when somebody reads it: most programs start without."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        self._make = make
        self._made: Mapping[str, Any] | None = None

    def _schema(self) -> Mapping[str, Any]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, key: str) -> Any:
        return self._schema()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._schema())

    def __len__(self) -> int:
        return len(self._schema())


def read_metadata(extra: Any) -> Iterator[object]:
    """Pydantic's `Field`, `AfterValidator`, `Discriminator` and `Strict` as covet's markers."""
    name = type(extra).__name__
    if name == "FieldInfo":
        yield from _field(extra)
    elif name == "_PydanticGeneralMetadata":
        yield from _general(extra)
    elif name == "AfterValidator":
        yield extra.func
    elif name == "Discriminator" and isinstance(extra.discriminator, str):
        yield params.Discriminator(extra.discriminator)
    elif name in ("BeforeValidator", "WrapValidator", "PlainValidator", "Discriminator", "Tag"):
        raise ConfigurationError(
            f"has pydantic's {name}, which only pydantic can execute: use it inside a model, or write a plain function "
            f"that checks the value"
        )


def _field(extra: Any) -> Iterator[object]:
    for each in extra.metadata:
        if type(each).__module__.partition(".")[0] != "pydantic":
            yield each
        else:
            yield from read_metadata(each)
    if isinstance(extra.discriminator, str):
        yield params.Discriminator(extra.discriminator)
    alias = extra.alias or extra.validation_alias
    if alias is not None and not isinstance(alias, str):
        raise ConfigurationError(f"has the alias {alias!r}: outside of a pydantic model an alias is one text")
    if alias or extra.description or extra.examples or extra.deprecated:
        yield params.Field(
            alias=alias or None,
            description=extra.description or None,
            examples=tuple(extra.examples or ()),
            deprecated=bool(extra.deprecated),
        )


def _general(extra: Any) -> Iterator[object]:
    said = dict(vars(extra))
    said.pop("strict", None)
    pattern = said.pop("pattern", None)
    if pattern is not None:
        yield params.Pattern(pattern if isinstance(pattern, str) else pattern.pattern)
    left = {name: value for name, value in said.items() if value is not None}
    if left:
        raise ConfigurationError(
            f"has pydantic's {', '.join(f'{name}={value!r}' for name, value in left.items())}, which only pydantic can "
            f"execute: use it inside a model"
        )
