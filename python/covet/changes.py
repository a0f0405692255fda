"""Which files of a project changed: a process of its own beside the workers, `python -m covet.changes`.

It watches folders for `covet run --reload` and writes one line for each lot of changes to a pipe. Knows nothing of
servers. Folders that no author writes are not watched at all: a project's environment may hold 10,000 of them.
"""

import contextlib
import errno
import importlib.util
import os
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from covet._native import Watcher, set_parent_death_signal
from covet.launch import parse
from covet.origins import FILES

QUIET: Final = 0.05
"""Seconds without a further change after which a lot of changes is complete."""
LONGEST: Final = 1.0
"""Seconds after the first change of a lot, at most."""
LOOK: Final = 5.0
"""Seconds between looks for the parent."""
SHOWN: Final = 3
"""Names in a line."""
NOBODYS: Final = frozenset({"__pycache__", "node_modules", "site-packages"})
"""Folders that no author writes, beside hidden ones and environments."""


class Project:
    """Folders, and which files in them count."""

    def __init__(self, folders: tuple[str, ...], include: tuple[str, ...], exclude: tuple[str, ...]) -> None:
        self.folders = [os.path.abspath(folder) for folder in folders]
        self._include = ("*.py", *FILES, *include)
        self._exclude = exclude

    def takes_file(self, path: str) -> bool:
        """Whether a change of this file counts."""
        below = self._below(path)
        if below is None or os.path.basename(path).startswith("."):
            return False
        parts = below.split(os.sep)
        return _fits(below, self._include) and not self._is_excluded(parts) and not self._is_nobodys(parts[:-1], path)

    def takes_folder(self, path: str) -> bool:
        """Whether this folder is watched."""
        below = self._below(path)
        if below is None:
            return False
        parts = [] if below == "." else below.split(os.sep)
        return not self._is_excluded(parts) and not self._is_nobodys(parts, path)

    def _below(self, path: str) -> str | None:
        """The path as its folder sees it; the innermost folder counts."""
        found = [folder for folder in self.folders if path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)]
        return os.path.relpath(path, max(found, key=len)) if found else None

    def _is_excluded(self, parts: list[str]) -> bool:
        """Whether the path, or a folder on the way to it, was left out."""
        ways = (os.sep.join(parts[:count]) for count in range(1, len(parts) + 1))
        return any(_fits(way, self._exclude) for way in ways)

    def _is_nobodys(self, folders: list[str], path: str) -> bool:
        """Whether a folder on the way is none that an author writes."""
        if any(name in NOBODYS or name.startswith(".") for name in folders):
            return True
        return bool(folders) and os.path.isfile(os.path.join(path, "pyvenv.cfg"))


def _fits(below: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path, or its last name, fits one of the patterns."""
    names = (below, os.path.basename(below))
    return any(fnmatchcase(name, pattern.rstrip("/")) for pattern in patterns for name in names)


class Changes:
    """Lots of changed files of a project."""

    def __init__(self, project: Project) -> None:
        """Watch. A folder that is missing, or no room for more watches: OSError."""
        self._project = project
        self._watcher = Watcher()
        self._watched = set[str]()
        for folder in project.folders:
            if not os.path.isdir(folder):
                raise OSError(errno.ENOENT, f"there is no folder {folder}")
            for _ in self._add(folder):
                pass

    def next(self, patience: float) -> list[str]:
        """The files of the next lot of changes; none where nothing changed for `patience` seconds."""
        changed = self._look(patience)
        if not changed:
            return []
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            more = self._look(QUIET)
            if not more:
                break
            changed |= more
        return sorted(changed)

    def _look(self, patience: float) -> set[str]:
        """Files that changed, as soon as there is one; none after `patience` seconds."""
        end = time.monotonic() + patience
        while True:
            left = end - time.monotonic()
            notices = self._watcher.next(max(0.0, left))
            if notices is None:
                return set(self._again())
            changed = {path for notice in notices for path in self._take(notice)}
            if changed or left <= 0:
                return changed

    def _take(self, path: str) -> Iterator[str]:
        """What a notice about a path means."""
        if self._project.takes_file(path):
            yield path
        elif path in self._watched and not os.path.isdir(path):
            self._watched.discard(path)
            yield path
        elif self._project.takes_folder(path) and os.path.isdir(path) and not os.path.islink(path):
            yield from self._add(path)

    def _add(self, top: str) -> Iterator[str]:
        """Watch a folder and those in it; the files that are there already."""
        left = [top]
        while left:
            folder = left.pop()
            if not Watcher.deep or folder in self._project.folders:
                try:
                    self._watcher.add(folder)
                except OSError as error:
                    if error.errno in (errno.ENOENT, errno.ENOTDIR) and folder not in self._project.folders:
                        continue  # it has gone meanwhile
                    raise OSError(error.errno, f"cannot watch {folder}: {error.strerror or error}") from None
            self._watched.add(folder)
            for entry in _entries(folder):  # after it is watched: what comes now is told
                if entry.is_dir(follow_symlinks=False):
                    left += [entry.path] if self._project.takes_folder(entry.path) else []
                elif self._project.takes_file(entry.path):
                    yield entry.path

    def _again(self) -> Iterator[str]:
        """Notices were lost: everything may have changed."""
        for folder in self._project.folders:
            yield folder
            yield from self._add(folder)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing where it has gone."""
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def forget_bytecode(paths: list[str]) -> None:
    """Remove what Python compiled of files: two saves in one second, of the same length, look like one to it."""
    for path in paths:
        if path.endswith(".py"):
            with contextlib.suppress(OSError, NotImplementedError):
                os.unlink(importlib.util.cache_from_source(path))


def in_words(paths: list[str]) -> str:
    """Some of the names, in one line."""
    names = [os.path.relpath(path).encode("ascii", "backslashreplace").decode() for path in paths[:SHOWN]]
    text = ", ".join(name if name.isprintable() else repr(name) for name in names)
    return text if len(paths) <= SHOWN else f"{text} and {len(paths) - SHOWN} more"


def main(arguments: list[str]) -> int:
    """`arguments`: the parent, a pipe to it, the words of `covet run`. Lines: `+` ready, `!` why not, else changes."""
    import signal

    parent, pipe = map(int, arguments[0].split(","))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it reaches the whole group; the parent decides
    set_parent_death_signal(signal.SIGTERM)
    os.set_inheritable(pipe, False)

    def tell(line: str) -> None:
        os.write(pipe, f"{line}\n".encode())

    launch = parse(arguments[1:])
    try:
        changes = Changes(Project(launch.reload_dir or (launch.app_dir,), launch.reload_include, launch.reload_exclude))
        tell("+")
        while os.getppid() == parent:
            if found := changes.next(LOOK):
                forget_bytecode(found)
                tell(in_words(found))
    except BrokenPipeError:
        return 0
    except OSError as error:
        tell(f"!{error.strerror or error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
