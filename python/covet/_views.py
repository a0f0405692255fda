"""Live views of header fields: what `keys()`, `values()` and `items()` of the native mappings give.

The standard library's views suppose that a name has one value; here they see every field, in order. Made by the native
module; imports nothing of covet.
"""

from abc import abstractmethod
from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView


class Fields(Mapping[str, str]):
    """What the views ask of a native mapping. For type checkers: no class derives from it."""

    @abstractmethod
    def getlist(self, key: str) -> list[str]:
        """Every value of `key`."""

    @abstractmethod
    def _fields(self) -> list[tuple[str, str]]:
        """Name and value of each field."""


class FieldKeys(KeysView[str]):
    """The name of each field, in lower case."""

    __slots__ = ()
    _mapping: Fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._mapping)


class FieldValues(ValuesView[str]):
    """The value of each field."""

    __slots__ = ()
    _mapping: Fields

    def __iter__(self) -> Iterator[str]:
        return iter([value for _, value in self._mapping._fields()])

    def __contains__(self, value: object) -> bool:
        return any(value == each for each in self)


class FieldItems(ItemsView[str, str]):
    """Name, in lower case, and value of each field."""

    __slots__ = ()
    _mapping: Fields

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._mapping._fields())

    def __contains__(self, item: object) -> bool:
        match item:
            case (str(name), value):
                return value in self._mapping.getlist(name)
            case _:
                return False
