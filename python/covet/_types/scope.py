"""Names that an annotation may use, and the evaluation of annotations that were written as text.

Owns where a forward reference is looked up; knows nothing of nodes but that type variables stand for them.
"""

import builtins
import sys
import typing
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, ForwardRef, cast

from covet._types.nodes import Node
from covet.errors import ConfigurationError

if sys.version_info >= (3, 14):
    import annotationlib

_BUILTINS: Final[dict[str, Any]] = {"__builtins__": builtins}


class UnresolvedName(ConfigurationError):
    """An annotation uses a name that is not defined where it was looked up; it may be defined later, or elsewhere."""


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """Where an annotation stands."""

    globalns: Mapping[str, Any] = field(default_factory=dict[str, Any])
    localns: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The caller's: given to the classes that are defined in functions, and asked last for the others."""
    variables: Mapping[Any, Node] = field(default_factory=dict[Any, Node])
    """What the type variables of the class around it stand for, and `Self`."""
    owner: type[Any] | None = None
    """The class around it."""

    def of_class(self, cls: type[Any], variables: Mapping[Any, Node]) -> "Scope":
        """The scope of the annotations in the body of `cls`."""
        module = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
        own = {parameter.__name__: parameter for parameter in getattr(cls, "__type_params__", ())}
        own[cls.__name__] = cls
        local = "<locals>" in cls.__qualname__
        maps = [own, self.localns, module] if local else [module, own, self.localns]
        # A field may have the name of a type, as `date: date`; the type is meant.
        return Scope(_chained(*maps, vars(builtins), vars(cls)), self.localns, variables, cls)

    def evaluate(self, text: str | ForwardRef) -> object:
        """The annotation that `text` means. An unknown name: UnresolvedName; no annotation: ConfigurationError."""
        if isinstance(text, ForwardRef):
            found = _evaluated_by_itself(text)
            if found is not text:
                return found
            module = sys.modules.get(str(text.__forward_module__)) if text.__forward_module__ is not None else None
            names = [vars(module)] if module is not None else []
            text = text.__forward_arg__
        else:
            names = []
        known = _chained(*names, self.globalns, self.localns)
        try:
            return eval(text, _BUILTINS, known)  # noqa: S307 - the program's own annotation, as typing evaluates it
        except NameError as error:
            raise UnresolvedName(
                f"uses the name {error.name!r} in {text!r}, which is not defined there: "
                f"define it in the module of the class, or give localns="
            ) from None
        except Exception as error:
            raise ConfigurationError(
                f"has the annotation {text!r}, which cannot be evaluated: {type(error).__name__}: {error}"
            ) from None


def _chained(*names: Mapping[str, Any]) -> Mapping[str, Any]:
    """Names looked up in one mapping after the other; none is copied, and nothing is ever written to them."""
    return ChainMap[str, Any](*cast("tuple[dict[str, Any], ...]", names))


def _evaluated_by_itself(reference: ForwardRef) -> object:
    """What a reference of Python 3.14 knows about itself; else the reference."""
    evaluate = getattr(reference, "evaluate", None)
    if evaluate is None:
        return reference
    try:
        return evaluate()
    except Exception:
        return reference


def own_annotations(cls: type[Any]) -> dict[str, Any]:
    """The annotations in the body of `cls`, not evaluated; those of TypedDict with its parents'."""
    if sys.version_info >= (3, 14):
        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    found: dict[str, Any] = vars(cls).get("__annotations__", {})
    return found


def shown(annotation: object) -> str:
    """An annotation as a person writes it."""
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")
