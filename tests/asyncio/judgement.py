"""What a run of CPython's asyncio tests proves: which tests count, which may fail, what is wrong with the rest.

Pure: `run.py` runs the tests and prints.
"""

import json
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# Of the tests that construct the stock loop so many may be named in skips.toml.
MOST_SKIPS = 0.05

PACKAGE = "test.test_asyncio"


@dataclass
class Seen:
    """What was seen of one test. Of several outcomes (its subtests, its clean-up) the worst stays."""

    outcome: str = "none"
    constructed: bool = False
    text: str = ""

    def note(self, outcome: str, text: str) -> None:
        """Take an outcome in."""
        if self.outcome != "failed":
            self.outcome = outcome
        if outcome != "passed":
            self.text += text


@dataclass
class Kept:
    """The tests that construct the stock loop on one Python."""

    python: str
    tests: list[str]

    @classmethod
    def of(cls, seen: dict[str, Seen]) -> "Kept":
        """Those of a run on the stock loop: they passed there and constructed it."""
        tests = [test for test, it in seen.items() if it.constructed and it.outcome == "passed"]
        return cls(sys.version.partition(" ")[0], sorted(tests))

    @classmethod
    def read(cls, path: Path) -> "Kept":
        """From the file in the repository: module to class to methods."""
        words = json.loads(path.read_text())
        tests = [
            f"{PACKAGE}.{module}.{name}.{method}"
            for module, classes in words["tests"].items()
            for name, methods in classes.items()
            for method in methods
        ]
        return cls(words["python"], tests)

    def write(self, path: Path) -> None:
        """To the file in the repository."""
        tree: dict[str, dict[str, list[str]]] = {}
        for test in self.tests:
            module, name, method = test.removeprefix(f"{PACKAGE}.").split(".")
            tree.setdefault(module, {}).setdefault(name, []).append(method)
        path.write_text(json.dumps({"python": self.python, "tests": tree}, indent=1) + "\n")

    def only(self, modules: Iterable[str]) -> "Kept":
        """Those of some modules."""
        prefixes = tuple(f"{module}." for module in modules)
        return Kept(self.python, [test for test in self.tests if test.startswith(prefixes)])


@dataclass
class Verdict:
    """What is wrong, and the sentence for the end."""

    faults: list[str] = field(default_factory=list)
    summary: str = ""


def read_skips(path: Path, version: str) -> dict[str, str]:
    """Test to reason, for a Python (`3.x`). A test has one reason, which is a sentence."""
    skips: dict[str, str] = {}
    for entry in tomllib.loads(path.read_text()).get("skip", []):
        if version not in entry.get("pythons", [version]):
            continue
        for test in entry["tests"]:
            if test in skips:
                raise ValueError(f"skips.toml names {test} twice")
            skips[test] = entry["reason"]
    if empty := [test for test, reason in skips.items() if len(reason.split()) < 5]:
        raise ValueError(f"skips.toml gives no reason for {empty}")
    return skips


def judge(seen: dict[str, Seen], kept: Kept, skips: dict[str, str]) -> Verdict:
    """Compare a run on this loop with the list of tests that construct the stock one."""
    verdict = Verdict()
    for test, it in seen.items():
        if it.outcome == "failed" and test not in skips:
            verdict.faults.append(f"FAILED {test}\n{it.text}")
        if it.outcome == "passed" and test in skips:
            verdict.faults.append(f"{test} passes: take it out of skips.toml ({skips[test]})")
    # Other patch releases have a few tests more or less.
    here = [test for test in kept.tests if test in seen]
    for test in here:
        # One that is named and in which the process ended could not tell.
        may_be_silent = test in skips and seen[test].outcome == "failed"
        if not seen[test].constructed and not may_be_silent:
            verdict.faults.append(f"{test} constructs the stock loop and did not construct this one")
        elif seen[test].outcome in ("skipped", "none"):
            verdict.faults.append(
                f"{test} passes on the stock loop and was {seen[test].outcome} on this one: {seen[test].text}"
            )
    counted = sum(it.constructed for test, it in seen.items() if it.outcome == "passed" and test not in skips)
    skipped = [test for test in here if test in skips]
    if len(skipped) > MOST_SKIPS * len(kept.tests):
        verdict.faults.append(f"{len(skipped)} skips are more than {MOST_SKIPS:.0%} of {len(kept.tests)} tests")
    if len(here) < 0.95 * len(kept.tests):
        verdict.faults.append(
            f"only {len(here)} of the {len(kept.tests)} tests on record for Python {kept.python} are there"
        )
    verdict.summary = (
        f"{counted} tests passed on a covet.loop.EventLoop that they constructed; {len(here)} construct the stock loop, "
        f"{len(skipped)} of them are skipped"
    )
    return verdict
