"""Run one module of CPython's asyncio tests on this loop, or on the stock one, and print a line for each test.

Run as a program of its own (`run.py` does): the loop is put in place before the module is imported, so that what the
module takes from asyncio is this loop. Reads one JSON object on standard input: `module`, `stock`, `leave_out`, `may_fail`.
"""

import asyncio
import faulthandler
import functools
import importlib
import json
import os
import sys
import unittest
from asyncio import unix_events
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

SECONDS_PER_TEST = 120
SECONDS_OF_ONE_THAT_MAY_FAIL = 20


class Report:
    """What was seen of each test, as lines of JSON on a descriptor that tests do not redirect."""

    def __init__(self) -> None:
        self._lines = os.fdopen(os.dup(1), "w")
        self.constructed = False

    def write(self, **words: object) -> None:
        self._lines.write(json.dumps(words) + "\n")
        self._lines.flush()


REPORT = Report()


def counted(loop_class: type[asyncio.AbstractEventLoop]) -> None:
    """Have each construction of `loop_class` noted for the test that runs."""
    construct: Callable[..., None] = loop_class.__init__

    @functools.wraps(construct)
    def noted(self: Any, *args: Any, **words: Any) -> None:
        REPORT.constructed = True
        construct(self, *args, **words)

    setattr(loop_class, "__init__", noted)  # noqa: B010 -- a type checker refuses the assignment


def install() -> None:
    """Make this loop the one that asyncio's names and its policy construct."""
    from covet.loop import EventLoop

    policies = ("_UnixDefaultEventLoopPolicy", "_DefaultEventLoopPolicy")
    policy: Any = next(getattr(unix_events, name) for name in policies if hasattr(unix_events, name))
    policy._loop_factory = EventLoop
    for module in (asyncio, unix_events):
        for name in ("SelectorEventLoop", "_UnixSelectorEventLoop", "EventLoop"):
            if hasattr(module, name):
                setattr(module, name, EventLoop)
    counted(EventLoop)


class Tests(unittest.TestSuite):
    """A flat suite that notes which test runs, from its set-up to its clean-up."""

    may_fail: Collection[str] = ()

    def __iter__(self) -> Iterator[Any]:
        for test in flat(super().__iter__()):
            REPORT.constructed = False
            REPORT.write(start=test.id())
            seconds = SECONDS_OF_ONE_THAT_MAY_FAIL if test.id() in self.may_fail else SECONDS_PER_TEST
            faulthandler.dump_traceback_later(seconds, exit=True)
            yield test
            REPORT.write(end=test.id(), constructed=REPORT.constructed)
        faulthandler.cancel_dump_traceback_later()


class Outcomes(unittest.TestResult):
    """Writes what became of each test; a failure in a subtest is one of its test."""

    def addSuccess(self, test: unittest.TestCase) -> None:
        REPORT.write(test=test.id(), outcome="passed")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        REPORT.write(test=test.id(), outcome="skipped", text=reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        REPORT.write(test=test.id(), outcome="passed")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        REPORT.write(test=test.id(), outcome="failed", text="unexpected success")

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        self.failed(test, err)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self.failed(test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        if err is not None:
            self.failed(test, err)

    def failed(self, test: unittest.TestCase, err: Any) -> None:
        REPORT.write(test=test.id(), outcome="failed", text=self._exc_info_to_string(err, test))  # type: ignore[attr-defined]


def flat(suite: Iterable[unittest.TestCase | unittest.TestSuite]) -> Iterator[unittest.TestCase]:
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flat(item)
        else:
            yield item


def main() -> None:
    asked = json.load(sys.stdin)
    if asked["stock"]:
        counted(unix_events._UnixSelectorEventLoop)  # type: ignore[attr-defined]
    else:
        install()
    support: Any = importlib.import_module("test.support")
    support.use_resources = {"cpu": None, "subprocess": None, "walltime": None}
    left_out = set(asked["leave_out"])
    loaded = unittest.defaultTestLoader.loadTestsFromName(asked["module"])
    tests = Tests(test for test in flat(loaded) if test.id() not in left_out)
    tests.may_fail = asked["may_fail"]
    tests.run(Outcomes())
    REPORT.write(over=True)
    # Processes that a failed test left would be waited for at exit. `run.py` ends them.
    os._exit(0)


if __name__ == "__main__":
    main()
