"""The cases of `tests/conformance/http1_cases.json` and how each is judged. No sockets.

Two policies: `expect` is what the RFCs allow, `covet` is what this server promises.
"""

import base64
import json
from typing import Any, Final

from tests.wire.conversations import Conversation, Outcome
from tests.wire.server_process import ROOT

Case = dict[str, Any]

_FILE = json.loads((ROOT / "tests" / "conformance" / "http1_cases.json").read_text())
CASES: Final[dict[str, Case]] = {
    # N: requests to a WebSocket route, of which there is none yet.
    case["id"]: case
    for case in _FILE["cases"]
    if not case["id"].startswith("N")
}
FAMILIES: Final[dict[str, tuple[bytes, bytes]]] = {
    family["name"]: tuple(family["template"].encode().decode("unicode_escape").encode("latin-1").split(b"{B}"))
    for family in _FILE["byte_families"]
}
HTTP2_PREFACE: Final = "C41-h2-preface"


def payload(case: Case) -> bytes:
    """All bytes of a case."""
    if "segments" not in case:
        return base64.b64decode(case["raw_b64"])
    pieces = []
    for segment in case["segments"]:
        text = segment["s"].encode().decode("unicode_escape").encode("latin-1")
        turns = (text.replace(b"{i}", b"%d" % turn) for turn in range(segment["times"]))
        pieces.append(segment.get("sep", "").encode().join(turns))
    return b"".join(pieces)


def conversation(case: Case) -> Conversation:
    """A case to be held; the pieces of a split one are sent one after the other."""
    pieces = [base64.b64decode(part["b64"]) for part in case["parts"]] if "parts" in case else [payload(case)]
    accepted = case["max_responses"] if case["covet"] == "accept" else 1
    return Conversation(pieces, case.get("responses") or accepted)


def wrong(case: Case, policy: str, outcome: Outcome) -> str | None:
    """What is wrong with the outcome; None if nothing."""
    if outcome.malformed:
        return f"malformed: {outcome.malformed}"
    if outcome.left_open:
        return "left open"
    if len(outcome.answers) > case["max_responses"]:
        return "too many answers"
    if any(status in (500, 502, 503, 504) for status in outcome.statuses):
        return "a 5xx for a client's fault"
    if case["id"].startswith("B15") and outcome.interim:
        return "an interim answer to HTTP/1.0"
    return _against(case, case[policy], outcome)


def _against(case: Case, wanted: str, outcome: Outcome) -> str | None:
    match wanted:
        case "accept" if case["id"] == HTTP2_PREFACE:
            return _rejected(case, outcome)  # until HTTP/2 is spoken
        case "accept":
            return _accepted(case, outcome)
        case "reject":
            return _rejected(case, outcome)
        case "either":
            reasons = _rejected(case, outcome), _accepted(case, outcome)
            return None if None in reasons else " / ".join(map(str, reasons))
        case "incomplete":
            return "2xx" if outcome.statuses and outcome.statuses[0] < 300 else None
        case _:
            return f"no such verdict: {wanted}"


def _rejected(case: Case, outcome: Outcome) -> str | None:
    if not outcome.answers:
        return None if outcome.closed and case["may_close_without_response"] else "no answer"
    status = outcome.statuses[0]
    if status < 300:
        return "2xx"
    if status not in case["status"]:
        return f"status {status}"
    return "not closed" if case["must_close"] and not outcome.closed else None


def _accepted(case: Case, outcome: Outcome) -> str | None:
    if not outcome.answers:
        return "no answer"
    if not 200 <= outcome.statuses[0] < 300:
        return f"status {outcome.statuses[0]}"
    if case.get("responses") and len(outcome.answers) != case["responses"]:
        return f"{len(outcome.answers)} answers"
    if case.get("echo_b64") is not None and outcome.bodies[0] != base64.b64decode(case["echo_b64"]):
        return f"body {outcome.bodies[0][:100]!r}"
    return "not closed" if case["must_close"] and not outcome.closed else None
