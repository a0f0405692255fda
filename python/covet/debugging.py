"""What a failed request is answered in debug mode: the exception as a page for people, as a problem for programs.

Imported by the engine when the first failure of an application in debug is answered, and never otherwise.
"""

import json
import traceback
from typing import Any, Final

from covet._debug_page import page
from covet._failed import LONGEST, Asked, Failed, text_of, without_passwords

__all__ = ["answer"]

LINES: Final = 200
"""Of a traceback in a problem."""


def answer(failed: tuple[Any, ...], asked: tuple[Any, ...], show_locals: bool) -> tuple[bool, bytes]:
    """Whether it is a page, and the body of a 500."""
    failure, request = Failed(*failed), Asked(*asked)
    if not wants_page(request.fields):
        return False, problem(failure).encode("utf-8", "backslashreplace")
    return True, page(failure, request, show_locals=show_locals).encode("utf-8", "xmlcharrefreplace")


def wants_page(fields: list[tuple[str, str]]) -> bool:
    """Whether HTML was asked for by name, and JSON not rather (RFC 9110 section 12.5.1)."""
    html = json_ = 0.0
    for item in ",".join(value for name, value in fields if name.lower() == "accept").split(","):
        kind, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((_quality(word[2:]) for word in parameters if word.startswith("q=")), 1.0)
        if kind in ("text/html", "application/xhtml+xml"):
            html = max(html, quality)
        elif kind in ("application/json", "application/problem+json"):
            json_ = max(json_, quality)
    return html > 0 and html >= json_


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def problem(failure: Failed) -> str:
    """A problem document (RFC 9457) with the traceback, line by line."""
    members: dict[str, object] = {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    members["request_id"] = failure.request_id
    if failure.error is None:
        members["detail"] = f"{failure.route}: {failure.what}"
    else:
        lines = "".join(traceback.format_exception(failure.error)).splitlines()
        members["exception"] = text_of(failure.error)
        members["traceback"] = [without_passwords(line)[:LONGEST] for line in lines[-LINES:]]
    return json.dumps(members)
