"""Write the table of settings in docs/configuration.md from the source; `--check` only says whether it is current."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

from covet.options import CORE, every, shown  # noqa: E402 - the package is beside us, built or not

PAGE = ROOT / "docs" / "configuration.md"
BEGIN, END = "<!-- settings: scripts/settings_table.py -->\n", "<!-- end of settings -->\n"
BY_MACHINE = {"pool_threads": "4 for each processor, 8 to 40"}


def table() -> str:
    """One row a setting, those of the command first."""
    rows = ["| setting | option | variable | default | meaning |", "|---|---|---|---|---|"]
    core = {setting.name for setting in CORE}
    for setting in every():
        option = "APP" if setting.name == "app" else setting.flag
        measured = setting.name not in core and setting.unit not in ("text", "switch", "list")
        unit = f", {setting.unit}" if measured else ""
        off = "off" if setting.unit == "switch" else None
        default = BY_MACHINE.get(setting.name) or off or shown(setting, setting.default)
        rows.append(f"| `{setting.name}` | `{option}` | `{setting.variable}` | {default} | {setting.words}{unit} |")
    return "\n".join(rows) + "\n"


def main() -> int:
    """Write or check; the exit code."""
    text = PAGE.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        print(f"{PAGE.name} has lost the lines around its table: {BEGIN.strip()} and {END.strip()}")
        return 1
    new = f"{before}{BEGIN}{table()}{END}{after}"
    if "--check" in sys.argv[1:]:
        if new != text:
            print(f"{PAGE.name} does not say what the source says: run `python scripts/settings_table.py`")
        return int(new != text)
    PAGE.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
