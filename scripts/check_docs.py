"""Check the documentation: every relative link and every file that a page embeds exists.

A page embeds a file of `examples/` with a fenced block whose first line is `# examples/NAME.py` (or `// ...`); the
block must be part of that file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```\w*\n(?:#|//) (examples/\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_links(page: Path, text: str) -> Iterator[str]:
    """Relative links and images that lead nowhere."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for target in [*LINK.findall(prose), *IMAGE.findall(prose)]:
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists():
            yield f"{page.relative_to(ROOT)}: {target} does not exist"
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            yield f"{page.relative_to(ROOT)}: {target}: no such heading"


def stale_blocks(page: Path, text: str) -> Iterator[str]:
    """Embedded examples that are no longer what the file says."""
    for name, block in BLOCK.findall(text):
        path = ROOT / name
        if not path.exists():
            yield f"{page.relative_to(ROOT)}: embeds {name}, which does not exist"
        elif block.strip() not in path.read_text():
            yield f"{page.relative_to(ROOT)}: embeds {name}, which says something else now"


def main() -> int:
    """Print what is wrong."""
    found = [
        line
        for page in PAGES
        for line in (*broken_links(page, page.read_text()), *stale_blocks(page, page.read_text()))
    ]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
