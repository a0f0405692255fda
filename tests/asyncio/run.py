"""Run CPython's asyncio tests on `covet.loop.EventLoop`: `python -m tests.asyncio.run` (`make asyncio`).

Each module runs in a process of its own, several at a time. A test counts only where it really constructed this loop;
which must is kept in `constructed-3.x.json`, made with `--record` from a run on the stock loop. `skips.toml` names
those that may fail, each with its reason; one that passes all the same is an error.
"""

import argparse
import contextlib
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.asyncio.judgement import PACKAGE, Kept, Seen, judge, read_skips

HERE = Path(__file__).resolve().parent
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
# Other platforms' loops, which this one replaces nowhere.
OTHERS = ("test_windows_events", "test_windows_utils", "test_proactor_events")


@dataclass
class ModuleRun:
    """What one module's processes told."""

    seen: dict[str, Seen] = field(default_factory=dict)
    seconds: float = 0.0
    trouble: list[str] = field(default_factory=list)


def modules() -> list[str]:
    """The test modules of this interpreter, the slow ones first."""
    try:
        package = importlib.import_module(PACKAGE)
    except ImportError:
        sys.exit(f"{sys.executable} has no {PACKAGE}: install libpython{VERSION}-testsuite, or use a built CPython")
    names = [
        name for _, name, _ in pkgutil.iter_modules(package.__path__) if name.startswith("test_") and name not in OTHERS
    ]
    slow = ["test_events", "test_ssl", "test_subprocess", "test_sendfile", "test_tasks", "test_unix_events"]
    names.sort(key=lambda name: slow.index(name) if name in slow else len(slow))
    return [f"{PACKAGE}.{name}" for name in names]


def run_module(module: str, *, stock: bool) -> ModuleRun:
    """Run one module; where its process dies or hangs in a test, that test failed and the rest runs in another."""
    run = ModuleRun()
    began = time.monotonic()
    is_over = False
    while not is_over:
        before = len(run.seen)
        is_over = run_process(run, module, stock=stock)
        if not is_over and len(run.seen) == before:
            break
    run.seconds = time.monotonic() - began
    return run


def run_process(run: ModuleRun, module: str, *, stock: bool) -> bool:
    """One process of a module, which leaves out what ran already; returns whether it came to its end."""
    may_fail = [] if stock else list(read_skips(HERE / "skips.toml", VERSION))
    asked = json.dumps({"module": module, "stock": stock, "leave_out": list(run.seen), "may_fail": may_fail})
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryFile("w+", errors="replace") as out,
        tempfile.TemporaryFile("w+", errors="replace") as err,
    ):
        process = subprocess.Popen(
            [sys.executable, "-P", str(HERE / "child.py")],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
            text=True,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        process.communicate(asked)
        # Processes that a failed test left: no test waits for them any more.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        printed, complaint = read_again(out), read_again(err)
    is_over = False
    running = ""
    for line in printed.splitlines():
        try:
            words = json.loads(line)
        except ValueError:
            continue
        if not isinstance(words, dict):
            continue
        if "start" in words:
            running = words["start"]
            run.seen[running] = Seen()
        elif "end" in words:
            run.seen[words["end"]].constructed = words["constructed"]
            running = ""
        elif "outcome" in words:
            # What has no test's name is a class's or a module's set-up or clean-up.
            run.seen.setdefault(words["test"], Seen()).note(words["outcome"], words.get("text", ""))
        is_over = is_over or "over" in words
    if running:
        run.seen[running].note("failed", f"the process ended in it: {process.returncode}\n{complaint[-4000:]}")
    elif not is_over:
        run.trouble.append(f"{module}: the process ended between tests: {process.returncode}\n{complaint[-4000:]}")
    return is_over


def read_again(file: IO[str]) -> str:
    """What a process wrote into `file`."""
    file.seek(0)
    return file.read()


def run_all(names: Iterable[str], *, stock: bool) -> tuple[dict[str, Seen], list[str]]:
    """Run modules, as many at a time as there are cores; returns what was seen and what went wrong around it."""
    seen: dict[str, Seen] = {}
    trouble: list[str] = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as executor:
        names = list(names)
        runs = executor.map(lambda name: run_module(name, stock=stock), names)
        for name, run in zip(names, runs, strict=True):
            failed = sum(it.outcome == "failed" for it in run.seen.values())
            made = sum(it.constructed for it in run.seen.values())
            print(
                f"{name.rpartition('.')[2]:28} {len(run.seen):5} tests {made:5} with a loop {failed:3} failed {run.seconds:6.1f} s",
                flush=True,
            )
            seen.update(run.seen)
            trouble += run.trouble
    return seen, trouble


def second_attempts(seen: dict[str, Seen], skips: Iterable[str], *, stock: bool) -> dict[str, Seen]:
    """Run the modules of tests that failed once more, alone: some of CPython's measure time, and cores may be busy."""
    failed = [test for test, it in seen.items() if it.outcome == "failed" and test not in skips]
    again: dict[str, Seen] = {}
    for module in dict.fromkeys(test.rpartition(".")[0].rpartition(".")[0] for test in failed):
        again.update(run_module(module, stock=stock).seen)
    for test in failed:
        if test in again and again[test].outcome == "passed":
            print(f"{test} failed once and passed alone:\n{seen[test].text}")
    return {test: it for test, it in again.items() if test in failed}


def kept_list(path: Path, names: list[str]) -> Kept:
    """The tests that construct the stock loop: those on record, else found by a run."""
    if path.exists():
        return Kept.read(path)
    print(f"{path.name} is not kept: running on the stock loop first")
    return Kept.of(run_all(names, stock=True)[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="test_tasks, ...; all by default")
    parser.add_argument("--record", action="store_true", help="write the list of tests that construct the stock loop")
    parser.add_argument("--stock", action="store_true", help="run on the stock loop, to compare")
    options = parser.parse_args()
    names = [f"{PACKAGE}.{name}" for name in options.modules] or modules()
    path = HERE / f"constructed-{VERSION}.json"
    if options.record:
        kept = Kept.of(run_all(names, stock=True)[0])
        kept.write(path)
        print(f"{path.name}: {len(kept.tests)} tests construct the stock loop")
        return 0
    kept = kept_list(path, names)
    seen, trouble = run_all(names, stock=options.stock)
    skips = {} if options.stock else read_skips(HERE / "skips.toml", VERSION)
    seen.update(second_attempts(seen, skips, stock=options.stock))
    verdict = judge(seen, kept.only(names), skips)
    for line in [*trouble, *verdict.faults]:
        print(line)
    print(verdict.summary)
    return 1 if trouble or verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
