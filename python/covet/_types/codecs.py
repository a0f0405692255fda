"""Types with a codec of the program: `@covet.codec(MyType)`.

Owns how the type on the wire is found: the annotation of what `decode` takes.
"""

import inspect
from typing import Any

from covet._types.nodes import CustomNode, Node
from covet._types.objects import ReadsFields
from covet._types.scope import Scope
from covet.errors import ConfigurationError
from covet.models import codec_of


def read_codec(reads: ReadsFields, cls: type[Any]) -> Node | None:
    """The node of a type with a codec; None for others."""
    coder = codec_of(cls)
    if coder is None:
        return None
    decode = coder.decode
    function = inspect.unwrap(getattr(decode, "__func__", decode))
    try:
        taken = next(iter(inspect.signature(decode).parameters.values()), None)
    except (TypeError, ValueError):
        taken = None
    if taken is None or taken.annotation is inspect.Parameter.empty:
        name = getattr(function, "__qualname__", repr(function))
        raise ConfigurationError(
            f"is {cls.__qualname__}, whose codec does not say what it reads: "
            f"annotate the parameter of {name}, as `value: str`"
        )
    scope = Scope(getattr(function, "__globals__", {}), {cls.__name__: cls})
    return CustomNode(
        cls,
        reads.read(taken.annotation, scope),
        decode=decode,
        encode=coder.encode,
        schema=getattr(coder, "schema", None),
    )
