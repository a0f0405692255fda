"""Judge the locked Rust dependencies: licences, duplicate versions, versions that close known holes, no Python below.

Reads `cargo metadata --locked` of the workspace; the rules are `scripts/dependency_rules.toml`. Prints one line for
each thing that is wrong and exits non-zero.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def metadata() -> dict[str, Any]:
    """Cargo's own view of the workspace, for the targets that it runs on."""
    command = ["cargo", "metadata", "--locked", "--format-version=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"cargo metadata failed: {done.stderr.strip()}")
    return dict(json.loads(done.stdout))


def version(text: str) -> tuple[int, ...]:
    """`1.12.3+metadata` as numbers."""
    return tuple(int(part) for part in re.split(r"[-+]", text)[0].split("."))


def permitted(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be met with the allowed licences: every AND, any OR."""
    expression = expression.replace("/", " OR ").strip()
    depth, parts = 0, [""]
    for token in re.findall(r"\(|\)|[^()\s]+", expression):
        depth += (token == "(") - (token == ")")
        if token == "OR" and depth == 0:
            parts.append("")
        else:
            parts[-1] += f" {token}"
    if len(parts) > 1:
        return any(permitted(part, allowed) for part in parts)
    inner = parts[0].strip()
    if inner.startswith("(") and inner.endswith(")"):
        return permitted(inner[1:-1], allowed)
    if " AND " in inner:
        return all(permitted(part, allowed) for part in inner.split(" AND "))
    return inner.split(" WITH ")[0].strip() in allowed


def problems(found: dict[str, Any], rules: dict[str, Any]) -> list[str]:
    """One line for each rule that a package breaks."""
    members = set(found["workspace_members"])
    packages = [package for package in found["packages"] if package["id"] not in members]
    wrong = []
    versions: dict[str, list[str]] = defaultdict(list)
    for package in packages:
        name, text = package["name"], package["version"]
        versions[name].append(text)
        licence = package["license"] or ""
        if not permitted(licence, set(rules["licences"])) and name not in rules["licence_exceptions"]:
            wrong.append(f"{name} {text}: licence {licence or 'missing'!r} is not among the allowed ones")
        least = rules["minimum_versions"].get(name)
        if least and version(text) < version(least):
            wrong.append(f"{name} {text}: older than {least}, which closes known holes; cargo update -p {name}")
    for name, several in versions.items():
        if len(several) > 1 and name not in rules["duplicates"]:
            found_versions = ", ".join(sorted(several))
            wrong.append(f"{name}: versions {found_versions}; unify them or say why in dependency_rules.toml")
    return wrong


def python_below() -> list[str]:
    """covet-server must not know Python: pyo3 is not in its tree."""
    command = [
        "cargo",
        "tree",
        "--locked",
        "-p",
        "covet-server",
        "-e",
        "normal,build,dev",
        "--prefix",
        "none",
        "-f",
        "{p}",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return ["covet-server: pyo3 is in its dependency tree"] if re.search(r"^pyo3", done.stdout, re.MULTILINE) else []


def main() -> int:
    """Print what is wrong."""
    rules = tomllib.loads((ROOT / "scripts" / "dependency_rules.toml").read_text())
    wrong = problems(metadata(), rules) + python_below()
    for line in wrong:
        print(f"dependencies: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
