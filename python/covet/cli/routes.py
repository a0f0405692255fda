"""`covet routes`: method, path, name, mode and origin of every route; with -v why it runs where it does."""

from covet._compile import Compiled
from covet._messages import say
from covet._plan import FilesPlan
from covet.cli.inspecting import ConfigurationError, Inspected, LoadError


def routes(words: list[str]) -> int:
    """Print the table; the exit code."""
    verbose = any(word in ("-v", "--verbose") for word in words)
    try:
        found = Inspected([word for word in words if word not in ("-v", "--verbose")])
    except (LoadError, ConfigurationError) as error:
        say(str(error))
        return 1
    rows = [_row(compiled, verbose=verbose) for compiled in found.routes]
    rows += [_files_row(plan, verbose=verbose) for plan in found.files]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _row(compiled: Compiled, *, verbose: bool) -> list[str]:
    """The cells of one route."""
    plan = compiled.plan
    cells = [",".join(plan.methods), plan.path, plan.name, plan.mode, plan.origin]
    return [*cells, compiled.reason] if verbose else cells


def _files_row(plan: FilesPlan, *, verbose: bool) -> list[str]:
    """The cells of one directory."""
    cells = ["GET", f"{plan.path}/{{path:path}}", "-", "files", plan.origin]
    return [*cells, f"{plan.directory} without Python"] if verbose else cells
