"""What `covet run` was asked for, and the part of it that one worker gets. Words in, plain values out.

The supervisor imports this before it has paid for anything else, so nothing here costs time: the server's settings are
imported when one of them is used, and what reads a file when there is one.
"""

import os

from covet._defaults import BACKLOG, DRAIN_TIMEOUT
from covet._setting import UsageError
from covet.options import CORE, every, metavar, shown
from covet.origins import DEFAULT, Given, gather

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Final

__all__ = ["FAILED_START", "Assignment", "Launch", "UsageError", "options", "parse"]

FAILED_START: "Final" = 3
"""Exit code of a worker that could not start, and need not be tried again."""


class Launch:
    """Every setting of a command: those of CORE as attributes, those of the server that were said in `settings`."""

    __slots__ = (*(setting.name for setting in CORE), "given", "settings")

    app: str
    host: "tuple[str, ...]"
    port: int
    uds: str | None
    uds_mode: int
    fd: "tuple[int, ...]"
    workers: int | None
    """None: as many as there are processors that we may use."""
    threads: int
    """Of each worker."""
    app_dir: str
    factory: bool
    loop: str
    log_level: str
    reload: bool
    reload_dir: "tuple[str, ...]"
    reload_include: "tuple[str, ...]"
    reload_exclude: "tuple[str, ...]"
    settings: "dict[str, Any]"
    """Arguments of ServerSettings."""
    given: dict[str, Given]
    """What was said, with its origin, by name."""

    def __init__(self, given: dict[str, Given]) -> None:
        self.given = given
        for setting in CORE:
            setattr(self, setting.name, given[setting.name].value if setting.name in given else setting.default)
        self.app = self.app or ""
        core = {setting.name for setting in CORE}
        self.settings = {name: each.value for name, each in given.items() if name not in core}
        if self.reload:  # an idle connection would bring requests to the old code, a new one brings its first at once
            self.settings = {"drain_quiet": 0.05, **self.settings, "debug": True}

    @property
    def hosts(self) -> list[str]:
        """Addresses to listen on."""
        return list(self.host)

    @property
    def fds(self) -> list[int]:
        """Listening sockets that were inherited."""
        return list(self.fd)

    @property
    def backlog(self) -> int:
        """Connections that the kernel keeps for us."""
        return int(self.settings.get("backlog", BACKLOG))

    @property
    def drain_timeout(self) -> float:
        """Seconds."""
        return float(self.settings.get("drain_timeout", DRAIN_TIMEOUT))


class Assignment:
    """What one worker gets from its supervisor: descriptors and its place among the others."""

    __slots__ = ("board", "listeners", "parent", "ready", "slot", "slots", "threads")

    def __init__(self, *numbers: int) -> None:
        self.parent, self.ready, self.board, self.slot, self.slots, self.threads, *self.listeners = numbers

    def words(self) -> list[str]:
        """As arguments of `python -m covet.worker`."""
        numbers = (self.parent, self.ready, self.board, self.slot, self.slots, self.threads, *self.listeners)
        return [",".join(map(str, numbers))]

    @classmethod
    def parse(cls, word: str) -> "Assignment":
        """The inverse of `words`."""
        return cls(*map(int, word.split(",")))


def parse(arguments: list[str], environment: "Mapping[str, str] | None" = None, *, needs_app: bool = True) -> Launch:
    """The words after a command, the environment and the file of settings. Nonsense: UsageError."""
    given = gather(arguments, os.environ if environment is None else environment)
    _choose_address(given)
    launch = Launch(given)
    if needs_app and not launch.app:
        raise UsageError("no application: write `covet run module:attribute`, as `covet run app:main`")
    if launch.threads < 1:
        raise UsageError("threads is 0: a worker has at least one")
    if launch.threads > 1 and launch.settings.get("pin_workers"):
        raise UsageError("--pin-workers keeps a worker to one processor, which its threads would share: leave it out")
    workers = given.get("workers")
    if launch.reload and launch.workers not in (None, 1) and workers is not None:
        if workers.rank >= given["reload"].rank:
            raise UsageError("--reload has one worker: leave --workers out")
        launch.workers = 1
    return launch


def _choose_address(given: dict[str, Given]) -> None:
    """Where to listen is said in one of three ways: the one that was said nearest counts, two at once are a mistake."""
    kinds = (("fd",), ("uds",), ("host", "port"))
    said = {name for name, each in given.items() if each.value not in (None, ())}
    ranks = [max((given[name].rank for name in kind if name in said), default=DEFAULT) for kind in kinds]
    nearest = max(ranks)
    if nearest == DEFAULT:
        return
    if ranks.count(nearest) > 1:
        if ranks[0] == nearest:
            raise UsageError("--fd stands instead of --host, --port and --uds: give one kind")
        raise UsageError("--uds stands instead of --host and --port: give one kind")
    for kind, rank in zip(kinds, ranks, strict=True):
        if rank < nearest:
            for name in kind:
                given.pop(name, None)


def options() -> "Iterator[tuple[str, str]]":
    """Every option of `covet run` with its words."""
    for setting in every():
        if setting.name == "app":
            continue
        if setting.unit == "switch":
            yield setting.flag, setting.words
        else:
            yield f"{setting.flag} {metavar(setting)}", f"{setting.words} ({shown(setting, setting.default)})"
    yield "--config PATH", "file of settings (covet.toml, or pyproject.toml with a table [tool.covet])"
    yield "--print-config", "print every setting with its origin, and serve nothing"
