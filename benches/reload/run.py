"""Measure reloading: from a save of the smallest example to the first new answer, `python -m benches.reload.run`.

A client asks on new connections without a pause, as fast as it is answered. Writes `benches/results/DATE-reload.json`
with every save, of which `make bench-report` makes the page; ends with an error where the worst is not below the promise.
"""

from __future__ import annotations

import argparse
import datetime as dt
import http.client
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benches.http import environment

EXAMPLE = environment.ROOT / "examples" / "hello.py"
PROMISE = 0.4
"""Seconds."""
PATIENCE = 30.0
"""Seconds."""
PAUSE = 0.5
"""Seconds between an answer and the next save: the spare worker is ready again, as it is when a person has saved."""
SHOWN = ("covetpy", "commit", "python", "rustc")


def ask(port: int) -> bytes:
    """One answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/", headers={"Connection": "close"})
    body = connection.getresponse().read()
    connection.close()
    return body


def wait_for(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """The line of the server's that matches."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(pattern, line):
            return found
    raise SystemExit("the server has ended")


def measure(rounds: int) -> list[float]:
    """Seconds of each save."""
    text, times = EXAMPLE.read_text(), []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hello.py"
        file.write_text(text)
        command = [sys.executable, "-m", "covet", "run", "hello:main", "--reload", "--app-dir", folder, "--port", "0"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            first, second = (wait_for(process, r"watching |http://\S+:(\d+) ") for _ in range(2))
            port = int(first[1] or second[1])
            for number in range(rounds):
                time.sleep(PAUSE)
                new = f"save {number}"
                saved = time.perf_counter()
                file.write_text(text.replace('"world"', f'"{new}"', 1))
                while new.encode() not in ask(port):
                    if time.perf_counter() - saved > PATIENCE:
                        raise SystemExit("the new answer does not come")
                times.append(time.perf_counter() - saved)
        finally:
            process.terminate()
            process.wait(PATIENCE)
    return times


def main() -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benches.reload.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--output", type=Path, help="the file to write (benches/results/DATE-reload.json)")
    options = parser.parse_args()
    began = dt.datetime.now(dt.UTC)
    times = measure(options.rounds)
    print(f"from save to new answer: median {statistics.median(times):.3f} s, worst {max(times):.3f} s of {len(times)}")
    versions = environment.versions()
    record = {
        "format": 1,
        "kind": "reload",
        "date": began.isoformat(timespec="seconds"),
        "machine": environment.machine(),
        "versions": {name: versions[name] for name in SHOWN if name in versions},
        "method": {"rounds": options.rounds, "pause_s": PAUSE, "example": EXAMPLE.name},
        "promise": PROMISE,
        "unit": "seconds",
        "saves": [round(seconds, 4) for seconds in times],
    }
    target = options.output or environment.RESULTS / f"{began:%Y-%m-%d-%H%M}-reload.json"
    target.write_text(json.dumps(record, indent=1) + "\n")
    print(f"wrote {target.name}")
    if max(times) >= PROMISE:
        print(f"the promise is {PROMISE} s")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
