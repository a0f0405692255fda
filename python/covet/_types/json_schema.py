"""Nodes to JSON Schema 2020-12: what is taken from the wire, and what is written to it.

Owns the words of the schema and the names of `$defs`. A schema may be looser than the decoder where JSON Schema has no
word for a rule (validators, unique texts of a set); it never refuses what the decoder takes.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from covet._types.nodes import (
    BytesNode,
    CheckedNode,
    CustomNode,
    DictNode,
    EnumNode,
    FieldNode,
    FloatNode,
    IntNode,
    ListNode,
    Node,
    NullableNode,
    ObjectNode,
    StrNode,
    TextNode,
    TupleNode,
    UnionNode,
)
from covet._types.scope import shown
from covet._types.walking import children
from covet.errors import ConfigurationError

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_WORDS: Final = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
}
_FORMATS: Final = {
    "decimal": "decimal",
    "uuid": "uuid",
    "datetime": "date-time",
    "date": "date",
    "time": "time",
    "timedelta": "duration",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "ipv4_network": "ipv4network",
    "ipv6_network": "ipv6network",
    "ipv4_interface": "ipv4interface",
    "ipv6_interface": "ipv6interface",
    "path": "path",
}
_UNWRITABLE: Final = object()


def schema_of(root: Node) -> dict[str, Any]:
    """The schema of one type: itself at the top, the named types below it in `$defs`."""
    writer = SchemaWriter("#/$defs/", [root])
    inline = writer.is_named(root) and not writer.is_recursive(root)
    top = writer.body(root) if inline else writer.write(root)
    schema = {"$schema": DIALECT, **top}
    if writer.definitions:
        schema["$defs"] = writer.definitions
    return schema


class SchemaWriter:
    """Schemas that share their definitions."""

    def __init__(self, prefix: str, roots: list[Node]) -> None:
        """`prefix` comes before a name in `$ref`; `roots` are all the trees that will be written."""
        self._prefix = prefix
        self._recursive = set[int]()
        self._names: dict[int, str] = {}
        self._taken: dict[str, int] = {}
        self._kept = list[Node]()
        self.definitions: dict[str, Any] = {}
        """By name, as `write` met them."""
        for root in roots:
            self._find_recursive(root)

    def is_named(self, node: Node) -> bool:
        """Whether a node has a definition of its own: objects, Enum classes, and what holds itself."""
        return isinstance(node, ObjectNode) or (isinstance(node, EnumNode) and node.cls is not None)

    def is_recursive(self, node: Node) -> bool:
        """Whether a node holds itself."""
        return id(node) in self._recursive

    def write(self, node: Node) -> dict[str, Any]:
        """The schema of a node: a `$ref` for what is named."""
        if not self.is_named(node) and not self.is_recursive(node):
            return self.body(node)
        name = self._names.get(id(node))
        if name is None:
            name = self._name(node)
            self.definitions[name] = {}
            self.definitions[name] = self.body(node)
        return {"$ref": self._prefix + name}

    def body(self, node: Node) -> dict[str, Any]:
        """The schema of a node itself, also of a named one."""
        return _WRITERS[node.kind](self, node)

    def embed(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Somebody else's schema, with its definitions among these."""
        below = schema.get("$defs", {})
        names = {name: self._free(_word(name), below[name]) for name in below}

        def moved(value: Any) -> Any:
            if isinstance(value, dict):
                return {
                    key: self._prefix + names.get(each.removeprefix("#/$defs/"), each)
                    if key == "$ref" and isinstance(each, str) and each.startswith("#/$defs/")
                    else moved(each)
                    for key, each in value.items()
                }
            return [moved(each) for each in value] if isinstance(value, list) else value

        for name, definition in below.items():
            self.definitions[names[name]] = moved(definition)
        made: dict[str, Any] = moved({key: value for key, value in schema.items() if key not in ("$defs", "$schema")})
        return made

    def _name(self, node: Node) -> str:
        wanted = node.name if isinstance(node, ObjectNode) else getattr(getattr(node, "cls", None), "__name__", "Value")
        name = self._free(_word(wanted), node)
        self._names[id(node)] = name
        return name

    def _free(self, wanted: str, owner: object) -> str:
        """`wanted`, or with the next number where another type has it."""
        name, number = wanted, 1
        while name in self._taken and self._taken[name] != id(owner):
            number += 1
            name = f"{wanted}_{number}"
        self._taken[name] = id(owner)
        return name

    def _find_recursive(self, root: Node) -> None:
        """Note the nodes at which a walk through `root` meets itself; of one circle an object, where there is one."""
        done = set[int]()
        path: dict[int, Node] = {}
        waiting: list[tuple[Node, bool]] = [(root, False)]
        while waiting:
            node, leaving = waiting.pop()
            if leaving:
                del path[id(node)]
                done.add(id(node))
            elif id(node) in path:
                circle = list(path.values())[list(path).index(id(node)) :]
                self._recursive.add(id(next((each for each in circle if isinstance(each, ObjectNode)), node)))
            elif id(node) not in done:
                path[id(node)] = node
                self._kept.append(node)
                waiting.append((node, True))
                waiting.extend((below, False) for below in children(node))


def _word(name: str) -> str:
    """A name that needs no escape in a `$ref`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("_") or "Value"


def _number(kind: str) -> Callable[[SchemaWriter, Any], dict[str, Any]]:
    def write(_: SchemaWriter, node: IntNode | FloatNode) -> dict[str, Any]:
        bounds = {word: getattr(node, name) for name, word in _WORDS.items() if getattr(node, name) is not None}
        return {"type": kind, **bounds}

    return write


def _lengths(node: StrNode | ListNode | DictNode, of: str) -> dict[str, Any]:
    found = {f"min{of}": node.min_length, f"max{of}": node.max_length}
    return {word: length for word, length in found.items() if length is not None}


def _str(_: SchemaWriter, node: StrNode) -> dict[str, Any]:
    pattern = {} if node.pattern is None else {"pattern": node.pattern}
    return {"type": "string", **_lengths(node, "Length"), **pattern}


def _bytes(_: SchemaWriter, node: BytesNode) -> dict[str, Any]:
    """Lengths count bytes; base64 has four letters for each three of them, or what is left."""
    lengths = {"minLength": node.min_length, "maxLength": node.max_length}
    return {
        "type": "string",
        "contentEncoding": "base64",
        **{word: (length + 2) // 3 * 4 for word, length in lengths.items() if length is not None},
    }


def _text(_: SchemaWriter, node: TextNode) -> dict[str, Any]:
    text = {"type": "string", "format": _FORMATS[node.name]}
    if node.name == "decimal":
        return {"anyOf": [text, {"type": "number"}]}
    return text if node.unix is None else {"anyOf": [text, {"type": "number"}]}


def _enum(_: SchemaWriter, node: EnumNode) -> dict[str, Any]:
    words = {} if node.cls is None else _described(vars(node.cls).get("__doc__"), ("An enumeration.",))
    if node.is_flag:
        return {"type": "integer", "minimum": 0, **words}
    values = [value for value, _ in node.members]
    kinds = {"boolean" if isinstance(each, bool) else _json_kind(each) for each in values}
    if len(values) == 1:
        return {"const": values[0], **words}
    typed = {"type": kinds.pop()} if len(kinds) == 1 else {}
    return {**typed, "enum": values, **words}


def _json_kind(value: object) -> str:
    return "null" if value is None else "string" if isinstance(value, str) else "integer"


def _described(text: object, generated: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"description": text.strip()} if isinstance(text, str) and text.strip() and text not in generated else {}


def _list(writer: SchemaWriter, node: ListNode) -> dict[str, Any]:
    items = writer.write(node.item)
    return {"type": "array", **({"items": items} if items else {}), **_lengths(node, "Items")}


def _tuple(writer: SchemaWriter, node: TupleNode) -> dict[str, Any]:
    count = len(node.items)
    prefix = {"prefixItems": [writer.write(item) for item in node.items]} if count else {}
    return {"type": "array", **prefix, "minItems": count, "maxItems": count}


def _dict(writer: SchemaWriter, node: DictNode) -> dict[str, Any]:
    """Keys are texts, so only what says something about a text is said about them."""
    names = writer.write(node.key) if isinstance(node.key, (StrNode, TextNode)) else {}
    if isinstance(node.key, EnumNode) and not node.key.is_flag:
        names = {"enum": [_key_text(value) for value, _ in node.key.members]}
    said = {} if names in ({}, {"type": "string"}) or "anyOf" in names else {"propertyNames": names}
    return {
        "type": "object",
        "additionalProperties": writer.write(node.value) or True,
        **said,
        **_lengths(node, "Properties"),
    }


def _key_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _object(writer: SchemaWriter, node: ObjectNode) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required = list[str]()
    if node.tag_field is not None:
        properties[node.tag_field] = {"const": node.tag}
        required.append(node.tag_field)
    for field in node.fields:
        properties[field.alias] = _field(writer, field, has_defaults=node.build != "dict")
        if field.required and field.init:
            required.append(field.alias)
    schema: dict[str, Any] = {"title": node.name, "type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if node.forbid_unknown:
        schema["additionalProperties"] = False
    return {**schema, **_described(node.description)}


def _field(writer: SchemaWriter, field: FieldNode, *, has_defaults: bool) -> dict[str, Any]:
    schema = dict(writer.write(field.node))
    if field.description is not None:
        schema["description"] = field.description
    if field.examples:
        schema["examples"] = [_written(each, field) for each in field.examples]
    if field.deprecated:
        schema["deprecated"] = True
    if has_defaults and not field.required and field.default_factory is None:
        default = _plain(field.default)
        if default is not _UNWRITABLE:
            schema["default"] = default
    if not field.init:
        schema["readOnly"] = True
    if field.init_only:
        schema["writeOnly"] = True
    return schema


def _written(example: object, field: FieldNode) -> Any:
    made = _plain(example)
    if made is _UNWRITABLE:
        raise ConfigurationError(f"the field {field.name} has the example {example!r}: write it as JSON holds it")
    return made


def _plain(value: Any) -> Any:
    """A default or example as JSON holds it, where that is plain to see."""
    if isinstance(getattr(value, "_value_", None), (str, int)):
        value = value._value_
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if value - value == 0 else _UNWRITABLE
    if type(value) in (list, tuple):
        items = [_plain(each) for each in value]
        return _UNWRITABLE if any(each is _UNWRITABLE for each in items) else items
    if type(value) is dict and all(type(key) is str for key in value):
        made = {key: _plain(each) for key, each in value.items()}
        return _UNWRITABLE if any(each is _UNWRITABLE for each in made.values()) else made
    return _UNWRITABLE


def _union(writer: SchemaWriter, node: UnionNode) -> dict[str, Any]:
    """`oneOf` where a field decides, else `anyOf`."""
    options = [writer.write(option) for option in node.options]
    if node.discriminator is None:
        return {"anyOf": options}
    schema: dict[str, Any] = {"oneOf": options}
    if all("$ref" in option for option in options) and all(isinstance(value, str) for value, _ in node.tags):
        mapping = {value: options[index]["$ref"] for value, index in node.tags}
        schema["discriminator"] = {"propertyName": node.discriminator, "mapping": mapping}
    return schema


def _nullable(writer: SchemaWriter, node: NullableNode) -> dict[str, Any]:
    schema = writer.write(node.inner)
    if not schema:
        return {}
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    if schema.keys() == {"anyOf"}:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]}


def _checked(writer: SchemaWriter, node: CheckedNode) -> dict[str, Any]:
    """Bounds of texts have no word in JSON Schema: they are told to people."""
    schema = dict(writer.write(node.inner))
    if node.bounds:
        said = ", ".join(f"{_SAID[name]} {bound}" for name, bound in node.bounds)
        before = schema.get("description")
        schema["description"] = said if before is None else f"{before} ({said})"
    return schema


_SAID: Final = {
    "gt": "above",
    "ge": "at least",
    "lt": "below",
    "le": "at most",
    "multiple_of": "a multiple of",
    "min_length": "at least as long as",
    "max_length": "at most as long as",
}


def _custom(writer: SchemaWriter, node: CustomNode) -> dict[str, Any]:
    if node.schema is None:
        return writer.write(node.inner)
    if not isinstance(node.schema, Mapping):
        raise ConfigurationError(
            f"the codec of {shown(node.cls)} has the schema {node.schema!r}: write a JSON Schema as a dict"
        )
    return writer.embed(node.schema)


_WRITERS: Final[dict[str, Callable[[SchemaWriter, Any], dict[str, Any]]]] = {
    "any": lambda _, __: {},
    "none": lambda _, __: {"type": "null"},
    "bool": lambda _, __: {"type": "boolean"},
    "int": _number("integer"),
    "float": _number("number"),
    "str": _str,
    "bytes": _bytes,
    "text": _text,
    "enum": _enum,
    "list": _list,
    "tuple": _tuple,
    "dict": _dict,
    "object": _object,
    "union": _union,
    "nullable": _nullable,
    "checked": _checked,
    "custom": _custom,
}
