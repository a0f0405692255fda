"""What a run of CPython's tests is blamed for: each rule on a small table. The run itself is `make asyncio`."""

import pathlib

import pytest

from tests.asyncio.judgement import Kept, Seen, judge, read_skips

A, B = "test.test_asyncio.test_x.A.test_a", "test.test_asyncio.test_x.A.test_b"
REASON = "a reason that has enough words"


@pytest.mark.parametrize(
    ("seen", "kept", "skips", "fault"),
    [
        ({A: Seen("passed", True)}, [A], {}, ""),
        ({A: Seen("failed", True, "boom")}, [A], {}, "FAILED"),
        ({A: Seen("failed", False, "boom")}, [], {}, "FAILED"),
        ({A: Seen("passed", False)}, [A], {}, "did not construct this one"),
        ({A: Seen("skipped", True, "no network")}, [A], {}, "was skipped on this one: no network"),
        ({A: Seen("skipped", False)}, [], {}, ""),
        ({A: Seen("passed", False)}, [], {A: REASON}, "take it out"),
        ({A: Seen("failed", True), B: Seen("passed", True)}, [A, B], {A: REASON}, "1 skips are more than 5%"),
        ({A: Seen("passed", True)}, [A, B], {}, "only 1 of the 2"),
        ({}, [A], {}, "only 0 of the 1"),
    ],
)
def test_what_is_at_fault(seen: dict[str, Seen], kept: list[str], skips: dict[str, str], fault: str) -> None:
    faults = judge(seen, Kept("3.x", kept), skips).faults
    assert len(faults) == bool(fault), faults
    assert fault in "".join(faults)


def test_a_few_skips_are_allowed_and_not_counted() -> None:
    tests = [f"{A}{number}" for number in range(40)]
    seen = {test: Seen("passed", True) for test in tests} | {
        tests[0]: Seen("failed", True),
        tests[1]: Seen("failed", False, "the process ended in it"),
    }
    verdict = judge(seen, Kept("3.x", tests), {tests[0]: REASON, tests[1]: REASON})
    assert not verdict.faults
    assert verdict.summary.startswith("38 tests passed")


def test_the_worst_outcome_stays() -> None:
    seen = Seen()
    for outcome in ("passed", "failed", "passed"):
        seen.note(outcome, outcome)
    assert (seen.outcome, seen.text) == ("failed", "failed")


def test_the_list_goes_to_a_file_and_back(tmp_path: pathlib.Path) -> None:
    kept = Kept.of(
        {A: Seen("passed", True), B: Seen("passed", False), "test.test_asyncio.test_x.A.test_c": Seen("skipped", True)}
    )
    kept.write(tmp_path / "kept.json")
    assert Kept.read(tmp_path / "kept.json").tests == [A]
    assert kept.only(["test.test_asyncio.test_y"]).tests == []
    assert kept.only(["test.test_asyncio.test_x"]).tests == [A]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ('[[skip]]\ntests = ["a", "b"]\nreason = "it reads what is not there"\n', ""),
        ('[[skip]]\ntests = ["a", "a"]\nreason = "it reads what is not there"\n', "twice"),
        ('[[skip]]\ntests = ["a"]\nreason = "does not work"\n', "no reason"),
        ('[[skip]]\npythons = ["3.12"]\ntests = ["c"]\nreason = "it reads what is not there"\n', ""),
    ],
)
def test_skips_have_reasons(tmp_path: pathlib.Path, text: str, refused: str) -> None:
    path = tmp_path / "skips.toml"
    path.write_text(text)
    if refused:
        with pytest.raises(ValueError, match=refused):
            read_skips(path, "3.11")
    else:
        assert set(read_skips(path, "3.11")) == (set() if "3.12" in text else {"a", "b"})
