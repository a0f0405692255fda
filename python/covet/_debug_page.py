"""The page of a failed request in debug mode: exceptions, source lines, the request; local variables on demand.

Everything from outside goes through `_escaped`, into text and never into an attribute. The page has no script, and says
so to the browser.
"""

import linecache
import os
import reprlib
import site
import sysconfig
import traceback
from collections.abc import Iterator
from html import escape
from types import FrameType
from typing import Final

from covet._failed import MASK, Asked, Failed, cut, is_secret, text_of, without_passwords

AROUND: Final = 5
"""Source lines on each side."""
LINE: Final = 400
"""Characters of a source line."""
VALUE: Final = 1000
"""Characters of a variable."""
VARIABLES: Final = 50
"""Of one frame."""
FIRST_FRAMES, LAST_FRAMES = 10, 40
"""Of a long traceback."""
EXCEPTIONS: Final = 20
"""Of a chain or a group."""

_LIBRARIES: Final = tuple(
    {
        os.path.realpath(folder) + os.sep
        for folder in (
            *site.getsitepackages(),
            sysconfig.get_path("stdlib"),
            sysconfig.get_path("purelib"),
            os.path.dirname(__file__),
        )
    }
)
_STYLE: Final = """
:root{color-scheme:light dark;--line:#8884;--mark:#f402;--soft:#888}
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem}
h1{font-size:1.3rem;white-space:pre-wrap;overflow-wrap:anywhere}h2{font-size:1.05rem;margin-top:2rem}
pre,code,td{font:13px/1.5 ui-monospace,monospace}pre{margin:0;overflow-x:auto;padding:.3rem 0}
details{border:1px solid var(--line);border-radius:6px;margin:.4rem 0;padding:.3rem .7rem}
summary{cursor:pointer;overflow-wrap:anywhere}mark{background:var(--mark);color:inherit;display:inline-block;min-width:100%}
small,.soft{color:var(--soft)}td{padding:.1rem 1rem .1rem 0;vertical-align:top;overflow-wrap:anywhere}
td:first-child{white-space:nowrap}
"""


def page(failure: Failed, request: Asked, *, show_locals: bool) -> str:
    """The whole document."""
    title = failure.what if failure.error is None else type(failure.error).__name__
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=robots content=noindex>",
        f"<title>{_escaped(title)} at {_escaped(request.target)}</title><style>{_STYLE}</style>",
        f"<small>500 · {_escaped(failure.route)} · {_escaped(failure.what)} · "
        f"request {_escaped(failure.request_id)}</small>",
    ]
    for relation, error in [] if failure.error is None else _related(failure.error):
        heading = f"<h2>{_escaped(relation)}</h2>" if relation else ""
        parts.append(f"{heading}<h1>{_escaped(text_of(error))}</h1>")
        parts += _frames(error, show_locals=show_locals)
    if failure.error is None:
        parts.append(f"<h1>{_escaped(failure.what)}</h1>")
    parts += _request(request)
    parts.append("<p class=soft>This page is shown because debug is on. Production shows nothing of it.</p></html>")
    return "\n".join(parts)


def _escaped(text: object) -> str:
    """Text as HTML shows it."""
    return escape(str(text), quote=True).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _related(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """The exception, then those that it came from and those that it holds, each once."""
    left, seen = [("", error)], set[int]()
    while left and len(seen) < EXCEPTIONS:
        relation, each = left.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield relation, each
        if each.__cause__ is not None:
            left.append(("caused by", each.__cause__))
        elif each.__context__ is not None and not each.__suppress_context__:
            left.append(("while handling", each.__context__))
        if isinstance(each, BaseExceptionGroup):
            left += [("in the group", inner) for inner in each.exceptions]


def _frames(error: BaseException, *, show_locals: bool) -> Iterator[str]:
    """Each frame, the innermost one first."""
    frames = list(traceback.walk_tb(error.__traceback__))[::-1]
    own = [index for index, (frame, _) in enumerate(frames) if not _is_library(frame)]
    for index, (frame, line) in enumerate(frames):
        if index == LAST_FRAMES and len(frames) > FIRST_FRAMES + LAST_FRAMES:
            yield f"<p class=soft>{len(frames) - FIRST_FRAMES - LAST_FRAMES} more frames</p>"
        if LAST_FRAMES <= index < len(frames) - FIRST_FRAMES:
            continue
        code = frame.f_code
        where = f"{_escaped(code.co_filename)}:{line} in <b>{_escaped(code.co_qualname)}</b>"
        is_open = " open" if index in own[:3] or (not own and index == 0) else ""
        yield f"<details{is_open}><summary>{where}</summary>{_source(frame, line)}"
        if show_locals and code.co_name != "<module>":
            yield from _variables(frame)
        yield "</details>"


def _is_library(frame: FrameType) -> bool:
    """Whether a frame is none of the project's."""
    file = frame.f_code.co_filename
    return file.startswith("<") or os.path.realpath(file).startswith(_LIBRARIES)


def _source(frame: FrameType, line: int | None) -> str:
    """The lines around one."""
    file = frame.f_code.co_filename
    linecache.checkcache(file)
    lines = linecache.getlines(file, frame.f_globals)
    if line is None or not 1 <= line <= len(lines):
        return "<p class=soft>no source</p>"
    first = max(1, line - AROUND)
    shown = []
    for number, text in enumerate(lines[first - 1 : line + AROUND], first):
        row = f"{number:>5}  {_escaped(cut(text.rstrip(), LINE))}"
        shown.append(f"<mark>{row}</mark>" if number == line else row)
    rows = "\n".join(shown)
    return f"<pre>{rows}</pre>"


def _variables(frame: FrameType) -> Iterator[str]:
    """The local variables."""
    variables = list(frame.f_locals.items())
    yield "<table>"
    for name, value in variables[:VARIABLES]:
        yield _row(name, MASK if is_secret(name) else _shown(value))
    if len(variables) > VARIABLES:
        yield _row("…", f"{len(variables) - VARIABLES} more")
    yield "</table>"


def _shown(value: object) -> str:
    """A value in few words, whatever its own think of that."""
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = brief.maxlong = 200
    brief.maxlevel = 3
    try:
        return cut(without_passwords(brief.repr(value)), VALUE)
    except Exception as error:
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"


def _request(request: Asked) -> Iterator[str]:
    """The request's line and fields, without what lets somebody in."""
    line = f"{request.method} {request.target} {request.version}"
    yield f"<h2>Request</h2><pre>{_escaped(line)}</pre>"
    yield "<table>"
    for name, value in request.fields:
        yield _row(name, MASK if is_secret(name) else cut(without_passwords(value), VALUE))
    yield "</table>"


def _row(name: str, value: str) -> str:
    return f"<tr><td>{_escaped(name)}</td><td>{_escaped(value)}</td></tr>"
