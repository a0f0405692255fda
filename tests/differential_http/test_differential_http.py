"""HTTP/1.1 as CovetPy reads it, beside hyper, Go's net/http and nginx: conformance cases and mutants of them.

Ordinary runs compare a few thousand; `make differential-http` a few hundred thousand (COVET_TEST_BUDGET, times 3,000).
"""

import os
from collections.abc import Iterator, Mapping

import pytest

from tests.differential_http.explained import LOOSER
from tests.differential_http.mutations import cases, mutants
from tests.differential_http.peers import all_running
from tests.differential_http.probe import probe
from tests.differential_http.verdicts import accounted_for, finding
from tests.wire.programs import needs

pytestmark = [
    needs("cargo", "go", "nginx"),
    pytest.mark.timeout(900),
]
BUDGET = int(os.environ.get("COVET_TEST_BUDGET", "1"))
SEED = int(os.environ.get("COVET_TEST_SEED", "2026"))
ROUND = 3000
"""Mutants of one seed."""


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, int]]:
    with all_running(tmp_path_factory.mktemp("peers")) as found:
        yield found


def findings(ports: Mapping[str, int], payloads: Mapping[str, bytes]) -> dict[str, object]:
    seen = probe(ports, payloads)
    wrong = {name: finding(payloads[name], each) for name, each in seen.items()}
    return {name: (why, payloads[name], seen[name]) for name, why in wrong.items() if why is not None}


def test_conformance_cases(ports: Mapping[str, int]) -> None:
    assert not findings(ports, cases())


@pytest.mark.parametrize("seed", range(SEED, SEED + BUDGET))
def test_mutants(ports: Mapping[str, int], seed: int) -> None:
    assert not findings(ports, dict(mutants(seed, ROUND)))


@pytest.mark.parametrize("name", LOOSER)
def test_what_is_explained_is_so(ports: Mapping[str, int], name: str) -> None:
    """A row of the table whose difference is no more goes."""
    row = LOOSER[name]
    seen = probe(ports, {name: row.example})[name]
    ours = len(seen["covet"].requests)
    assert {name for name, each in seen.items() if len(each.requests) < ours} == row.peers, seen
    assert accounted_for(row.example) == row.peers


def test_mutants_are_reproducible() -> None:
    assert list(mutants(7, 50)) == list(mutants(7, 50))
    assert list(mutants(7, 50)) != list(mutants(8, 50))


def test_a_difference_is_found(ports: Mapping[str, int]) -> None:
    """Verdicts that are mixed up are findings, so that a server that reads otherwise would be one."""
    two = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"
    one = probe(ports, {"one": two[: two.index(b"GET /b")], "two": two})
    whole, half = one["two"], one["one"]
    assert finding(two, whole) is None
    assert finding(two, {**half, "covet": whole["covet"]}) == "request 1 is refused by go, hyper, nginx"
    assert finding(two, {**whole, "covet": half["covet"]}) is not None
