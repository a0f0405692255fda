"""What `covet run` was asked for, and the part of it that one worker gets. Words in, plain values out.

The supervisor imports this before it has paid for anything else, so it imports nothing at the top but two numbers;
the settings, which describe most options, are imported when one of them is used.
"""

from covet._defaults import BACKLOG, DRAIN_TIMEOUT

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

    from covet.settings import Setting

FAILED_START: "Final" = 3
"""Exit code of a worker that could not start, and need not be tried again."""

LOOPS: "Final" = ("covet", "asyncio", "uvloop")
LOG_LEVELS: "Final" = ("critical", "error", "warning", "info", "debug")

CORE_OPTIONS: "Final" = (
    ("--host HOST", "address to listen on, repeatable (127.0.0.1)"),
    ("--port PORT", "port to listen on, 0 for a free one (8000)"),
    ("--uds PATH", "Unix socket to listen on, instead of host and port; @NAME for an abstract one"),
    ("--uds-mode MODE", "file mode of the Unix socket, octal (660)"),
    ("--fd N", "listening socket that was inherited, repeatable, instead of host and port"),
    ("--workers N", "processes; auto: one for each processor that may be used; 0 serves in this one (auto)"),
    ("--app-dir DIR", "folder to import the application from (.)"),
    ("--factory", "APP is a function that returns the application"),
    ("--loop LOOP", f"event loop: {' '.join(LOOPS)} (covet)"),
    ("--log-level LEVEL", f"{' '.join(LOG_LEVELS)} (info)"),
)
_FLAGS: "Final" = {"--factory"}
_HIDDEN: "Final" = {"debug"}


class UsageError(Exception):
    """A command line that makes no sense; the text is for the person who wrote it."""


class Launch:
    """A parsed `covet run`."""

    __slots__ = (
        "app",
        "app_dir",
        "factory",
        "fds",
        "hosts",
        "log_level",
        "loop",
        "port",
        "settings",
        "uds",
        "uds_mode",
        "workers",
    )

    def __init__(self) -> None:
        self.app = ""
        self.app_dir = "."
        self.factory = False
        self.fds: list[int] = []
        self.hosts: list[str] = []
        self.port = 8000
        self.uds: str | None = None
        self.uds_mode = 0o660
        self.workers: int | None = None
        """None: as many as there are processors that we may use."""
        self.log_level = "info"
        self.loop = "covet"
        self.settings: dict[str, Any] = {}

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

    __slots__ = ("board", "listeners", "parent", "ready", "slot", "slots")

    def __init__(self, *numbers: int) -> None:
        self.parent, self.ready, self.board, self.slot, self.slots, *self.listeners = numbers

    def words(self) -> list[str]:
        """As arguments of `python -m covet.worker`."""
        numbers = (self.parent, self.ready, self.board, self.slot, self.slots, *self.listeners)
        return [",".join(map(str, numbers))]

    @classmethod
    def parse(cls, word: str) -> "Assignment":
        """The inverse of `words`."""
        return cls(*map(int, word.split(",")))


def parse(arguments: list[str]) -> Launch:
    """The command line after `run`. Nonsense: UsageError."""
    launch, left, flags = Launch(), list(arguments), set[str]()
    while left:
        word = left.pop(0)
        if not word.startswith("-"):
            if launch.app:
                raise UsageError(f"two applications, {launch.app!r} and {word!r}: give one")
            launch.app = word
            continue
        flag, equals, value = word.partition("=")
        flags.add(flag)
        if flag in _FLAGS or _is_switch(flag):
            if equals:
                raise UsageError(f"{flag} takes no value")
            _set_switch(launch, flag)
            continue
        if not _is_known(flag):
            raise UsageError(_unknown(flag))
        if not equals:
            if not left:
                raise UsageError(f"{flag} needs a value")
            value = left.pop(0)
        _set(launch, flag, value)
    if not launch.app:
        raise UsageError("no application: write `covet run module:attribute`, as `covet run app:main`")
    if launch.uds is not None and flags & {"--host", "--port"}:
        raise UsageError("--uds stands instead of --host and --port: give one kind")
    if launch.fds and flags & {"--host", "--port", "--uds"}:
        raise UsageError("--fd stands instead of --host, --port and --uds: give one kind")
    launch.hosts = launch.hosts or ["127.0.0.1"]
    return launch


def options() -> "Iterator[tuple[str, str]]":
    """Every option of `covet run` with its words."""
    yield from CORE_OPTIONS
    for flag, setting in _settings().items():
        if setting.unit == "switch":
            yield flag, setting.words
        else:
            default = "none" if setting.default in (None, ()) else setting.default
            yield f"{flag} {_metavar(setting)}", f"{setting.words} ({default})"


def _metavar(setting: "Setting") -> str:
    if setting.choices:
        return "|".join(setting.choices)
    words = {
        "share": "SHARE",
        "list": "LIST",
        "text": "TEXT",
        "path": "PATH",
        "seconds": "SECONDS",
        "bytes": "SIZE",
        "bytes a second": "BYTES",
        "count": "N",
        "count from 0": "N",
    }
    return words[setting.unit]


def _settings() -> "dict[str, Setting]":
    """Every setting that is an option, by flag."""
    from covet.settings import described  # costs 20 ms, which most starts need not pay

    return {"--" + each.name.replace("_", "-"): each for each in described() if each.name not in _HIDDEN}


def _is_core(flag: str) -> bool:
    return any(flag == spelling.split()[0] for spelling, _ in CORE_OPTIONS)


def _is_switch(flag: str) -> bool:
    if _is_core(flag) or flag == "--access-log":
        return flag == "--access-log"
    setting = _settings().get(flag)
    return setting is not None and setting.unit == "switch"


def _is_known(flag: str) -> bool:
    return _is_core(flag) or flag in _settings()


def _unknown(flag: str) -> str:
    """What to say of an option that does not exist."""
    import difflib  # only for a mistake

    known = [spelling.split()[0] for spelling, _ in options()]
    near = difflib.get_close_matches(flag, known, 1)
    return f"unknown option {flag}: " + (f"did you mean {near[0]}?" if near else "`covet run --help` lists them")


def _set_switch(launch: Launch, flag: str) -> None:
    if flag == "--factory":
        launch.factory = True
    else:
        launch.settings[flag[2:].replace("-", "_")] = True


def _set(launch: Launch, flag: str, value: str) -> None:
    """Take one option. A value that does not fit: UsageError."""
    match flag:
        case "--host":
            launch.hosts.append(value)
        case "--port":
            launch.port = _number(flag, value, 65535)
        case "--uds":
            launch.uds = value
        case "--uds-mode":
            launch.uds_mode = _number(flag, value, 0o777, radix=8)
        case "--fd":
            launch.fds.append(_number(flag, value, 0x7FFFFFFF))
        case "--workers":
            launch.workers = None if value == "auto" else _number(flag, value, 1024)
        case "--app-dir":
            launch.app_dir = value
        case "--loop":
            if value not in LOOPS:
                raise UsageError(f"--loop is {value!r}: write one of {', '.join(LOOPS)}")
            launch.loop = value
        case "--log-level":
            if value not in LOG_LEVELS:
                raise UsageError(f"--log-level is {value!r}: write one of {', '.join(LOG_LEVELS)}")
            launch.log_level = value
        case _:
            setting = _settings()[flag]
            launch.settings[setting.name] = _setting_value(setting, flag, value)


def _number(flag: str, value: str, most: int, radix: int = 10) -> int:
    """A whole number from 0 to `most`."""
    try:
        number = int(value, radix)
    except ValueError:
        number = -1
    if not 0 <= number <= most:
        shown = f"{most:o}" if radix == 8 else str(most)
        raise UsageError(f"{flag} is {value!r}: write a whole number from 0 to {shown}")
    return number


def _setting_value(setting: "Setting", flag: str, value: str) -> object:
    """The value of a setting's option."""
    from covet.errors import ConfigurationError  # with the settings, which are here already
    from covet.settings import checked

    given: object = value
    if setting.optional and value.lower() == "none":
        return None
    if setting.unit not in ("bytes", "list", "text", "path") or (setting.unit == "bytes" and value.isdecimal()):
        try:
            given = float(value) if setting.unit in ("seconds", "share") else int(value)
        except ValueError:
            given = value
    try:
        return checked(setting, given)
    except ConfigurationError as error:
        raise UsageError(str(error).replace(setting.name, flag, 1)) from None
