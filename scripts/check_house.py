"""Check what no linter checks: where unsafe and the native module may be, file lengths, module docs, names.

The rules are CONTRIBUTING.md's. Prints one line for each breach and exits non-zero.
"""

from __future__ import annotations

import ast
import re
import sys
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
UNSAFE_FOLDERS = ("crates/covet-py/src/runtime/",)
UNSAFE_LINES = 5
LONGEST_FILE = 600
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "manager"}
# Public modules hand the native classes on; everything else asks them.
NATIVE_IMPORTERS = {
    "covet._drivers",
    "covet._serving",
    "covet._uploads",
    "covet.changes",
    "covet.json",
    "covet.loop",
    "covet._connections",
    "covet._sockets",
    "covet._transports",
    "covet.requests",
    "covet.responses",
    "covet.testing",
    "covet.websockets",
    "covet.worker",
}


def without_tests(source: str) -> list[str]:
    """The lines of a Rust file with those of `#[cfg(test)]` items emptied."""
    lines = source.splitlines()
    inside: str | None = None
    kept = []
    for line in lines:
        if inside is None and line.strip().startswith("#[cfg(test)]"):
            inside = line[: len(line) - len(line.lstrip())]
        kept.append("" if inside is not None else line)
        ends = inside is not None and (
            line.startswith(f"{inside}}}") or (line.rstrip().endswith(";") and line.startswith(f"{inside}mod "))
        )
        if ends:
            inside = None
    return kept


def code(line: str) -> str:
    """A Rust line without its comment and string contents."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', line).partition("//")[0]


def unsafe_breaches(path: str, lines: list[str]) -> Iterator[str]:
    """Unsafe outside its folders, without a SAFETY line, or longer than it may be."""
    for number, line in enumerate(lines, 1):
        if (
            not re.search(r"\bunsafe\b(?!_)", code(line))
            or re.search(r"unsafe (extern|fn)\b", code(line))
            or "unsafe_code" in line
        ):
            continue
        if not path.startswith(UNSAFE_FOLDERS):
            yield f"{path}:{number}: unsafe belongs into {', '.join(UNSAFE_FOLDERS)}"
            continue
        above = [text.strip() for text in lines[max(0, number - 12) : number - 1]]
        comment = list(
            takewhile(lambda text: text.startswith(("//", "#[")) or not text.endswith((";", "}", "{")), reversed(above))
        )
        if not any("SAFETY:" in text for text in comment) and "SAFETY:" not in line:
            yield f"{path}:{number}: unsafe without a // SAFETY: line above"
        if "{" in code(line).partition("unsafe")[2] and "impl" not in line:
            yield from block_length(path, lines, number)


def block_length(path: str, lines: list[str], number: int) -> Iterator[str]:
    """An unsafe block that is longer than it may be."""
    depth, started = 0, False
    for length, line in enumerate(lines[number - 1 :]):
        text = code(line).partition("unsafe")[2] if length == 0 else code(line)
        depth += text.count("{") - text.count("}")
        started = started or "{" in text
        if started and depth <= 0:
            if length - 1 > UNSAFE_LINES:
                yield f"{path}:{number}: an unsafe block of {length - 1} lines; at most {UNSAFE_LINES}"
            return


def rust_breaches(path: str, source: str) -> Iterator[str]:
    """What is wrong with one Rust file."""
    lines = without_tests(source)
    if not source.startswith("//!"):
        yield f"{path}:1: a file opens with what it owns (//!)"
    if "/tests/" not in path and not path.endswith("/tests.rs"):
        for number, line in enumerate(lines, 1):
            if ".unwrap()" in code(line) and not line.strip().startswith("//"):
                yield f"{path}:{number}: unwrap() outside tests"
    yield from unsafe_breaches(path, lines)


def python_breaches(path: str, source: str) -> Iterator[str]:
    """What is wrong with one Python file."""
    tree = ast.parse(source)
    if source.strip() and not ast.get_docstring(tree):
        yield f"{path}:1: a module opens with what it owns (docstring)"
    if not path.startswith("python/"):
        return
    module = module_name(path)
    for node in ast.walk(tree):
        names = {alias.name for alias in node.names} if isinstance(node, ast.Import | ast.ImportFrom) else set()
        origin = node.module if isinstance(node, ast.ImportFrom) else ""
        place = f"{path}:{getattr(node, 'lineno', 1)}"
        native = "covet._native" in names or origin == "covet._native" or (origin == "covet" and "_native" in names)
        if native and origin != "covet._native":
            yield f"{place}: write `from covet._native import ...`, the only form that lint-imports reads"
        if native and module not in NATIVE_IMPORTERS:
            yield f"{place}: {module} is not among the modules that import covet._native"


def covet_imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The covet modules that a piece of code imports, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "covet":
            yield node.module or "", node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name.split(".")[0] == "covet")


def dodged_cycles(modules: dict[str, tuple[str, ast.Module]]) -> Iterator[str]:
    """Imports inside functions that, at the top, would close a cycle; for a faster start they are fine."""
    within: dict[str, list[tuple[str, int]]] = {}
    above: dict[str, set[str]] = {}
    for module, (_, tree) in modules.items():
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        within[module] = [found for function in functions for found in covet_imports(function)]
        above[module] = {name for name, _ in covet_imports(tree)} - {name for name, _ in within[module]}
    for module, (path, _) in modules.items():
        for name, line in within[module]:
            reached, waiting = set[str](), [name]
            while waiting:
                current = waiting.pop()
                if current not in reached:
                    reached.add(current)
                    waiting += above.get(current, ())
            if module in reached:
                yield f"{path}:{line}: an import of {name} inside a function; a cycle is dissolved, not dodged"


def module_name(path: str) -> str:
    """`python/covet/cli/__init__.py` as `covet.cli`."""
    return path.removeprefix("python/").removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def breaches() -> Iterator[str]:
    """What is wrong anywhere."""
    modules: dict[str, tuple[str, ast.Module]] = {}
    for path in sorted([*ROOT.glob("crates/**/*.rs"), *ROOT.glob("python/**/*.py")]):
        name = path.relative_to(ROOT).as_posix()
        source = path.read_text()
        if path.stem in FORBIDDEN_NAMES:
            yield f"{name}: a file is named by what it does"
        if source.count("\n") > LONGEST_FILE:
            yield f"{name}: {source.count(chr(10))} lines; look for the second noun (at most {LONGEST_FILE})"
        if path.suffix == ".rs":
            yield from rust_breaches(name, source)
        else:
            modules[module_name(name)] = (name, ast.parse(source))
            yield from python_breaches(name, source)
    yield from dodged_cycles(modules)


def main() -> int:
    """Print what is wrong."""
    found = list(breaches())
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
