"""The corpus of fuzz.typed, and what a fuzzer does not reach: its claims hold for each entry, cut and changed."""

import random
from pathlib import Path

import pytest

from fuzz.typed.check import TYPES, check

CORPUS = sorted((Path(__file__).resolve().parents[2] / "fuzz" / "corpus" / "typed").iterdir())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_corpus(path: Path) -> None:
    check(path.read_bytes())


def test_every_type_has_an_entry() -> None:
    assert {(path.read_bytes()[0] - ord("A")) % len(TYPES) for path in CORPUS} == set(range(len(TYPES)))


@pytest.mark.parametrize("path", [path for path in CORPUS if path.stat().st_size < 300], ids=lambda path: path.name)
def test_cut_and_changed(path: Path) -> None:
    data = path.read_bytes()
    chance = random.Random(path.name)
    for at in range(1, len(data)):
        check(data[:at])
        check(data[:at] + bytes([chance.choice(b'\x00"\\{}[]:,0-.eE1tn\xff\xc3')]) + data[at + 1 :])
        check(data[:at] + data[chance.randrange(len(data)) :])


@pytest.mark.parametrize("place", range(len(TYPES)))
def test_every_entry_as_every_type(place: int) -> None:
    for path in CORPUS:
        check(bytes([ord("A") + place]) + path.read_bytes()[1:])
