"""HTTP/1.1 over real sockets against the echo application: the cases, the byte families, requests in two pieces.

Every conversation is held once, 16 at a time; each test looks up how its own went.
"""

import base64
from collections.abc import Iterator

import pytest

from tests.wire.byte_families import SAMPLED, WANTED, got
from tests.wire.conformance_cases import CASES, FAMILIES, conversation, payload, wrong
from tests.wire.connection import ask
from tests.wire.conversations import Conversation, Outcome, converse
from tests.wire.server_process import running

LONGEST_SPLIT = 512
SPLITS = 12
"""At most so many places where a request is cut in two."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of an echo server with short time-outs, which has to end well."""
    flags = ("--workers", "0", "--head-timeout", "1", "--body-timeout", "1")
    with running("examples.echo:main", *flags) as server:
        yield server.port
        answer = ask(server.port, "POST", "/alive", body=b"yes")
        assert (answer.status, answer.body) == (200, b"yes")
        server.stop()
        assert "Traceback" not in server.log
        assert "panic" not in server.log


@pytest.fixture(scope="module")
def cases(port: int) -> dict[str, Outcome]:
    return converse(port, {name: conversation(case) for name, case in CASES.items()})


@pytest.mark.parametrize("policy", ["expect", "covet"])
@pytest.mark.parametrize("name", CASES)
def test_case(cases: dict[str, Outcome], name: str, policy: str) -> None:
    reason = wrong(CASES[name], policy, cases[name])
    assert reason is None, cases[name]


@pytest.fixture(scope="module")
def families(port: int) -> dict[tuple[str, int], Outcome]:
    requests = {
        (name, octet): Conversation([before + bytes([octet]) + after])
        for name, (before, after) in FAMILIES.items()
        for octet in SAMPLED
    }
    return converse(port, requests)


@pytest.mark.parametrize("name", FAMILIES)
def test_byte_family(families: dict[tuple[str, int], Outcome], name: str) -> None:
    wanted = {octet: WANTED[name](octet) for octet in SAMPLED}
    assert {octet: got(families[name, octet]) for octet in SAMPLED} == wanted


def places(size: int) -> set[int]:
    """Where a request of `size` bytes is cut: near both ends and evenly between."""
    spread = {1 + index * (size - 1) // SPLITS for index in range(SPLITS)}
    return {place for place in {*spread, size - 1, size - 2} if 0 < place < size}


def splittable() -> list[str]:
    """Accepted cases that are small and have a definite answer."""
    return [
        name
        for name, case in CASES.items()
        if case["expect"] == case["covet"] == "accept" and "parts" not in case and len(payload(case)) <= LONGEST_SPLIT
    ]


@pytest.fixture(scope="module")
def split_cases(port: int) -> dict[tuple[str, int], Outcome]:
    requests = {}
    for name in splittable():
        whole, answers = payload(CASES[name]), conversation(CASES[name]).answers
        for place in places(len(whole)):
            requests[name, place] = Conversation([whole[:place], whole[place:]], answers)
    return converse(port, requests)


@pytest.mark.parametrize("name", splittable())
def test_in_two_pieces(split_cases: dict[tuple[str, int], Outcome], name: str) -> None:
    case = CASES[name]
    outcomes = {place: outcome for (other, place), outcome in split_cases.items() if other == name}
    assert len(outcomes) >= SPLITS
    for place, outcome in outcomes.items():
        assert wrong(case, "covet", outcome) is None, (place, outcome)
        if case.get("echo_b64") is not None:
            assert outcome.bodies[0] == base64.b64decode(case["echo_b64"]), place
