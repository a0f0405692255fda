"""What it means that servers differ about some bytes. Knows verdicts, no sockets."""

import re
from collections.abc import Mapping

from tests.differential_http.explained import LOOSER, STRICTER
from tests.differential_http.probe import Request, Seen

MAJORITY = 2
"""So many peers that refuse what CovetPy accepts make a finding."""


def path(target: str) -> str:
    """The path of a target of any form, without its query."""
    bare = re.sub(r"(?i)^https?://[^/?#]*", "", target).partition("?")[0]
    return bare or "/"


def same(one: Request, other: Request) -> bool:
    """Whether two servers understood the same request.

    Some answer OPTIONS for the server as a whole themselves, and say nothing of its body; what follows it shows how
    they framed it.
    """
    if (one.method, one.target) == (other.method, other.target) == ("OPTIONS", "*"):
        return True
    return (one.method, one.length, one.body, path(one.target)) == (
        other.method,
        other.length,
        other.body,
        path(other.target),
    )


def finding(payload: bytes, seen: Mapping[str, Seen]) -> str | None:
    """What nobody has explained about these bytes; None where there is nothing."""
    ours = seen["covet"]
    peers = {name: each for name, each in seen.items() if name != "covet"}
    for place, request in enumerate(ours.requests):
        for name, theirs in peers.items():
            if len(theirs.requests) > place and not same(request, theirs.requests[place]):
                return f"request {place} is another one to {name}"
        refusing = {name for name, theirs in peers.items() if len(theirs.requests) <= place}
        if len(refusing) >= MAJORITY and (left := refusing - accounted_for(payload)):
            return f"request {place} is refused by {', '.join(sorted(left))}"
    following = len(ours.requests)
    if not all(len(theirs.requests) > following for theirs in peers.values()):
        return None
    refused = peers["hyper"].requests[following]
    if ours.words not in STRICTER and not _unspoken(refused):
        return f"request {following} is accepted by every peer, and refused with {ours.end}: {ours.words}"
    return None


def _unspoken(refused: Request) -> bool:
    """Whether an answer to this cannot say why: a path with dot segments, asked for with HEAD."""
    return refused.method == "HEAD" and re.search(r"/\.\.?(/|$)", path(refused.target)) is not None


def accounted_for(payload: bytes) -> set[str]:
    """The peers that refuse these bytes for a reason that is known."""
    return {peer for row in LOOSER.values() if row.pattern.search(payload) for peer in row.peers}
