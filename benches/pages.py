"""How pages and charts follow from the newest results of their kind: written, or with `--check` only compared.

It must not know what is on a page, and not measure anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benches.http.environment import RESULTS, ROOT

Wanted = Callable[[Path, dict[str, Any]], dict[Path, str]]
"""Every file that follows from a run, with its text."""


def publish(kind: str, wanted: Wanted) -> int:
    """Write what follows from the newest `benches/results/*-KIND.json`, or say which files are out of step."""
    found = sorted(RESULTS.glob(f"*-{kind}.json"))
    if not found:
        print(f"bench-report: no {kind} run in benches/results yet; nothing to do")
        return 0
    source = found[-1]
    files = wanted(source, json.loads(source.read_text()))
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of step with {source.name}: make bench-report", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path])
    print(f"bench-report: wrote {len(stale)} files from {source.name}")
    return 0
