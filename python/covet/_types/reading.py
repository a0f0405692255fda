"""Annotations to nodes: the way through an annotation, and what is read only once.

Owns the order in which an annotation is asked what it is, recursion, and where an error says it happened. What each
kind of type means is in the files beside it.
"""

import enum
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import InitVar
from typing import Annotated, Any, Final, ForwardRef, Literal, get_args, get_origin

from covet import params
from covet._types import attrs_types, dataclass_types, dict_types, msgspec_types, pydantic_types
from covet._types.codecs import read_codec
from covet._types.constraints import constrain
from covet._types.containers import read_container
from covet._types.enums import read_enum, read_literal
from covet._types.metadata import meanings
from covet._types.nodes import AnyNode, Node, NullableNode, ObjectNode, UnionNode
from covet._types.objects import ClassReading, FieldReading, check_names, new_object, scopes_of
from covet._types.scalars import read_scalar
from covet._types.scope import Scope, UnresolvedName, shown
from covet._types.unions import decide, discriminated, read_union
from covet._types.walking import Pending, resolve
from covet.errors import ConfigurationError

_FORMS: Final = ("Required", "NotRequired", "ReadOnly", "Final", "ClassVar")
_DEEPEST: Final = 100
_KINDS: Final[list[tuple[Callable[[type[Any]], bool], Callable[[ClassReading], None]]]] = [
    (msgspec_types.is_struct, msgspec_types.fill_struct),
    (attrs_types.is_attrs, attrs_types.fill_attrs),
    (dataclass_types.is_dataclass, dataclass_types.fill_dataclass),
    (dict_types.is_typed_dict, dict_types.fill_typed_dict),
    (dict_types.is_named_tuple, dict_types.fill_named_tuple),
]


def read_type(
    annotation: object, *, globalns: Mapping[str, Any] | None = None, localns: Mapping[str, Any] | None = None
) -> Node:
    """The tree of `annotation`. Names in text are looked up in `globalns`, those of a class in its module.

    `localns` are the names where the annotation stands, for classes that are defined in a function.
    A type that cannot be read or written: ConfigurationError; a name that is not defined: UnresolvedName.
    """
    reader = Reader()
    scope = Scope(globalns or {}, localns or {})
    try:
        node = reader.read(annotation, scope)
        return reader.finish(node)
    except _Placed as error:
        raise error.placed() from None
    except ConfigurationError as error:
        raise type(error)(f"the type {error}") from None


class _Placed(Exception):
    """A ConfigurationError that already says where it happened."""

    def __init__(self, place: str, error: ConfigurationError) -> None:
        super().__init__(place)
        self.place = place
        self.error = error

    def placed(self) -> ConfigurationError:
        return type(self.error)(f"{self.place} {self.error}")


class Reader:
    """One read: each type in it has one node, however often it is met."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._nodes: dict[int, Node] = {}
        self._open: dict[object, Pending] = {}
        self._kept = list[object]()
        self._objects: dict[tuple[object, ...], Node] = {}
        self._texts: dict[tuple[str, type[Any] | None], object] = {}
        self._unfilled = list[tuple[ClassReading, Callable[[ClassReading], None]]]()
        self._made = dict[type[Any], int]()
        self._checks = list[tuple[str, Callable[[], None]]]()
        self._place = ""
        self._variable_uses = 0
        self._holds_itself = False
        self._has_union = False

    def read(self, annotation: object, scope: Scope) -> Node:
        """The node of `annotation`; the same one for the same object, unless type variables make it another."""
        if isinstance(annotation, (str, ForwardRef)):
            return self.read(self._evaluated(annotation, scope), scope)
        known = self._nodes.get(id(annotation))
        if known is not None:
            return known
        key = (id(annotation), id(scope))
        again = self._open.get(key)
        if again is not None:
            self._holds_itself = True
            return again
        uses = self._variable_uses
        waiting = self._open[key] = Pending(annotation)
        try:
            node = self._read(annotation, scope)
        finally:
            del self._open[key]
        waiting.target = node
        if uses == self._variable_uses:
            self._nodes[id(annotation)] = node
            self._kept.append(annotation)
        return node

    def read_field(self, annotation: object, scope: Scope, place: str) -> FieldReading:
        """The annotation of a field with what stands around its type."""
        before, self._place = self._place, place
        try:
            return self._read_field(annotation, scope)
        except ConfigurationError as error:
            raise _Placed(place, error) from None
        finally:
            self._place = before

    def later(self, check: Callable[[], None]) -> None:
        """Run `check` when the whole tree is there; its errors are placed where this was called."""
        self._checks.append((self._place, check))

    def finish(self, root: Node) -> Node:
        """Read the fields of every class that was met, then make the tree whole and check it."""
        while self._unfilled:
            reading, fill = self._unfilled.pop()
            self._place = reading.cls.__qualname__
            fill(reading)
            check_names(reading.node)
        self._place = ""
        if self._holds_itself:
            root = resolve(root)
        for place, check in self._checks:
            try:
                check()
            except ConfigurationError as error:
                raise _Placed(place, error) if place else error from None
        if self._has_union:
            decide(root, _as_placed)
        return root

    def _evaluated(self, text: str | ForwardRef, scope: Scope) -> object:
        if not isinstance(text, str):
            return scope.evaluate(text)
        key = (text, scope.owner)
        if key not in self._texts:
            self._texts[key] = scope.evaluate(text)
        return self._texts[key]

    def _read(self, annotation: Any, scope: Scope) -> Node:
        scalar = read_scalar(annotation)
        if scalar is not None:
            return scalar
        if annotation is typing.Any:
            return AnyNode()
        if isinstance(annotation, typing.TypeVar) or annotation is typing.Self:
            return self._variable(annotation, scope)
        if isinstance(annotation, typing.NewType):
            return self.read(annotation.__supertype__, scope)
        origin, arguments = get_origin(annotation), get_args(annotation)
        if is_alias(origin or annotation):
            return self._alias(origin or annotation, arguments, scope)
        if origin is Annotated:
            return self._annotated(annotation, scope)
        if origin is typing.Union or origin is types.UnionType:
            return self._union(arguments, scope)
        if origin is Literal or getattr(origin, "_name", None) == "Literal":
            return read_literal(annotation, arguments)
        if form_of(annotation) is not None or isinstance(annotation, InitVar):
            raise ConfigurationError(f"has {shown(annotation)} inside of a type: it belongs around the type of a field")
        return self._class(annotation, origin, arguments, scope)

    def _class(self, annotation: Any, origin: Any, arguments: tuple[object, ...], scope: Scope) -> Node:
        cls = origin or annotation
        if isinstance(cls, type):
            custom = read_codec(self, cls)
            if custom is not None:
                return custom
        bare = not hasattr(annotation, "__args__")  # `tuple[()]` has arguments, though none
        container = read_container(self, cls, None if bare else arguments, scope, annotation)
        if container is not None:
            return container
        if isinstance(cls, type):
            if issubclass(cls, enum.Enum):
                return read_enum(cls)
            if pydantic_types.is_pydantic(cls):
                return pydantic_types.read_pydantic(annotation, cls)
            for recognises, fill in _KINDS:
                if recognises(cls):
                    return self._object(cls, arguments, scope, fill)
        raise ConfigurationError(_why_not(annotation, cls))

    def _object(
        self, cls: type[Any], arguments: tuple[object, ...], scope: Scope, fill: Callable[[ClassReading], None]
    ) -> Node:
        """The node of a class with fields, which are read at the end, so that a class may hold itself."""
        nodes = tuple(self.read(each, scope) for each in arguments)
        key = (cls, *map(id, nodes))
        known = self._objects.get(key)
        if known is not None:
            return known
        self._made[cls] = self._made.get(cls, 0) + 1
        if self._made[cls] > _DEEPEST:
            raise ConfigurationError(
                f"is {cls.__qualname__}, which holds itself with ever new arguments: give it the same ones inside"
            )
        array = msgspec_types.read_array_struct(cls) if msgspec_types.is_struct(cls) else None
        node = array or new_object(cls, nodes)
        self._objects[key] = node
        self._kept.append(nodes)
        if isinstance(node, ObjectNode):
            outer = Scope(localns=scope.localns, globalns=scope.globalns)
            scopes = scopes_of(cls, nodes, self, outer, node)
            self._unfilled.append((ClassReading(self, cls, node, scopes), fill))
        return node

    def _union(self, options: tuple[object, ...], scope: Scope) -> Node:
        node = read_union([self.read(each, scope) for each in options])
        if isinstance(node.inner if isinstance(node, NullableNode) else node, UnionNode):
            self._has_union = True
        return node

    def _variable(self, variable: Any, scope: Scope) -> Node:
        """A type variable: its argument, its default, its bound, or anything."""
        self._variable_uses += 1
        known = scope.variables.get(variable)
        if known is not None:
            return known
        if variable is typing.Self:
            raise ConfigurationError("is Self outside of a class: write the class")
        default = getattr(variable, "__default__", None)
        has_default: Callable[[], bool] | None = getattr(variable, "has_default", None)
        if has_default is not None and has_default():
            return self.read(default, scope)
        if variable.__bound__ is not None:
            return self.read(variable.__bound__, scope)
        if variable.__constraints__:
            return self._union(variable.__constraints__, scope)
        return AnyNode()

    def _alias(self, alias: Any, arguments: tuple[object, ...], scope: Scope) -> Node:
        """`type X[T] = ...`: its value, read in the module that wrote it."""
        nodes = tuple(self.read(each, scope) for each in arguments)
        key = (alias, *map(id, nodes))
        known = self._objects.get(key)
        if known is not None:
            return known
        again = self._open.get(key)
        if again is not None:
            self._holds_itself = True
            return again
        self._kept.append(nodes)
        waiting = self._open[key] = Pending(alias)
        module = sys.modules.get(alias.__module__)
        inner = Scope(
            vars(module) if module is not None else scope.globalns,
            scope.localns,
            dict(zip(alias.__type_params__, nodes, strict=False)),
        )
        try:
            node = self.read(_value_of(alias), inner)
        finally:
            del self._open[key]
        self._kept.append(inner)
        waiting.target = self._objects[key] = node
        return node

    def _annotated(self, annotation: Any, scope: Scope) -> Node:
        """A type with constraints that is no field's own, so a name on the wire has no place in it."""
        node, field = self._with_metadata(annotation.__origin__, annotation.__metadata__, scope)
        if field is not None and field.alias is not None:
            raise ConfigurationError(
                f"has {field!r} inside of a type: an alias belongs to a whole field, "
                f"as `name: Annotated[..., {field!r}]`"
            )
        return node

    def _with_metadata(
        self, inner: object, metadata: tuple[object, ...], scope: Scope
    ) -> tuple[Node, params.Field | None]:
        node = self.read(inner, scope)
        field: params.Field | None = None
        for extra in metadata:
            for meaning in meanings(extra, inner):
                if isinstance(meaning, params.Discriminator):
                    node = discriminated(node, meaning.field)
                elif isinstance(meaning, params.Field):
                    field = meaning if field is None else _joined(field, meaning)
                else:
                    node = constrain(node, meaning)
        return node, field

    def _read_field(self, annotation: Any, scope: Scope) -> FieldReading:
        qualifiers = set[str]()
        metadata = tuple[object, ...]()
        while True:
            form = form_of(annotation)
            if isinstance(annotation, (str, ForwardRef)):
                annotation = self._evaluated(annotation, scope)
            elif form is not None:
                qualifiers.add(form)
                annotation = get_args(annotation)[0] if get_args(annotation) else Any
            elif isinstance(annotation, InitVar):
                annotation = annotation.type
            elif get_origin(annotation) is Annotated:
                metadata = (*annotation.__metadata__, *metadata)
                annotation = annotation.__origin__
            elif is_alias(annotation) and get_origin(_value_of(annotation)) is Annotated:
                annotation = _value_of(annotation)
            else:
                break
        unset = msgspec_types.unset_type()
        absent = None
        if unset is not None and unset[0] in get_args(annotation):
            absent = unset[1]
            annotation = typing.Union[tuple(each for each in get_args(annotation) if each is not unset[0])]  # noqa: UP007
        node, field = self._with_metadata(annotation, metadata, scope)
        return FieldReading(node, field, frozenset(qualifiers), absent)


def is_alias(annotation: object) -> bool:
    """Whether `annotation` is a `type X = ...`, of `typing` or of typing_extensions."""
    return type(annotation).__name__ == "TypeAliasType" and hasattr(type(annotation), "__value__")


def _value_of(alias: Any) -> object:
    """What an alias stands for, which Python evaluates now."""
    try:
        return alias.__value__
    except NameError as error:
        raise UnresolvedName(
            f"is {alias.__name__}, which uses the name {error.name!r}, which is not defined: "
            f"define it before the type is used"
        ) from None


def form_of(annotation: object) -> str | None:
    """Which of Required, NotRequired, ReadOnly, Final and ClassVar stands around a type; None for others."""
    name = getattr(get_origin(annotation) or annotation, "_name", None)
    return name if name in _FORMS and not isinstance(annotation, type) else None


def _joined(outer: params.Field, inner: params.Field) -> params.Field:
    """Two Fields of one annotation; the later one, nearer to the field, counts where both say something."""
    return params.Field(
        alias=inner.alias or outer.alias,
        description=inner.description or outer.description,
        examples=inner.examples or outer.examples,
        deprecated=inner.deprecated or outer.deprecated,
    )


def _as_placed(place: str, error: ConfigurationError) -> Exception:
    return _Placed(place, error) if place else error


def _why_not(annotation: object, cls: object) -> str:
    """Why an annotation is no type of values, and what to do."""
    if isinstance(cls, type) and "<class" not in shown(cls):
        name = shown(annotation)
        return (
            f"is {name}, which JSON has no form for: register a codec with @covet.codec({cls.__qualname__}), "
            f"or make it a dataclass"
        )
    example = ", as list[int]" if isinstance(annotation, (list, dict, tuple, set)) else ""
    return f"is {shown(annotation)}, which is no type of values: write the type that the value has{example}"
