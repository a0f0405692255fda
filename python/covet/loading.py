"""From "module:attribute" to an application, or to words that say why not.

Knows how people mistype; nothing of servers.
"""

import importlib
import os
import sys
import traceback
from types import ModuleType

from covet.app import Covet
from covet.errors import CovetError

__all__ = ["LoadError", "load_app"]


class LoadError(CovetError):
    """No application there; the text is one line, or the traceback of the application's own mistake."""


def load_app(target: str, app_dir: str = ".", *, factory: bool = False) -> Covet:
    """The application that `target` ("module:attribute") names, below `app_dir`; `factory`: call it first.

    Unknown module or attribute, no application, an exception on the way: LoadError.
    """
    name, colon, path = target.partition(":")
    if not (name and colon and path):
        raise LoadError(f"{target!r} does not name an application: write module:attribute, as app:main")
    folder = os.path.abspath(app_dir)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    found: object = _import(name, folder)
    for part in path.split("."):
        found = _attribute(found, part, target)
    if factory:
        if not callable(found):
            raise LoadError(f"{target} is {_kind(found)}, which --factory cannot call: leave --factory out")
        try:
            found = found()
        except Exception:
            raise LoadError(_story(f"calling {target} failed")) from None
    if isinstance(found, Covet):
        return found
    hint = ": add --factory if it returns the application" if callable(found) and not factory else ""
    raise LoadError(f"{target} is {_kind(found)}, not a Covet application{hint}")


def _import(name: str, folder: str) -> ModuleType:
    """Import a module by its full name."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
            raise LoadError(_story(f"importing {name} failed")) from None
        near = _nearest(name, _modules(folder))
        hint = f": did you mean {near[0]!r}?" if near else f": {folder} has none; --app-dir names another folder"
        raise LoadError(f"no module named {error.name!r}{hint}") from None
    except Exception:
        raise LoadError(_story(f"importing {name} failed")) from None


def _nearest(name: str, known: list[str]) -> list[str]:
    """The one of `known` that is spelt most like `name`, where one is."""
    import difflib  # only for a mistake

    return difflib.get_close_matches(name, known, 1)


def _modules(folder: str) -> list[str]:
    """Modules and packages that lie in a folder."""
    try:
        entries = os.listdir(folder)
    except OSError:
        return []
    return [
        entry.removesuffix(".py") for entry in entries if entry.endswith(".py") or os.path.isdir(f"{folder}/{entry}")
    ]


def _attribute(owner: object, name: str, target: str) -> object:
    """One attribute of a module or object."""
    try:
        return getattr(owner, name)
    except AttributeError:
        known = [each for each in dir(owner) if not each.startswith("_")]
        near = _nearest(name, known) or [each for each in known if isinstance(getattr(owner, each), Covet)]
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise LoadError(f"{target.partition(':')[0]!r} has no attribute {name!r}{hint}") from None


def _kind(found: object) -> str:
    """What somebody gave us instead."""
    if isinstance(found, type):
        return f"the class {found.__qualname__}"
    if isinstance(found, ModuleType):
        return f"the module {found.__name__}"
    if callable(found):
        return f"the function {getattr(found, '__qualname__', type(found).__name__)}"
    return f"of type {type(found).__qualname__}"


def _story(what: str) -> str:
    """The exception being handled, from the application's first line on."""
    error = sys.exception()
    frames = error.__traceback__ if error is not None else None
    while frames is not None and _ours(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames)) if error is not None else ""
    return f"{what}:\n{text}".rstrip()


def _ours(file: str) -> bool:
    """Whether a frame is of covet's own or of the import system."""
    return file.startswith("<frozen ") or os.path.dirname(file) in (
        os.path.dirname(__file__),
        os.path.dirname(importlib.__file__),
    )
