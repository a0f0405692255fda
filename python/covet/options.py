"""Every setting of the command: those of the command itself, described here, and those of the server.

Turns a text (an option's, a variable's) or a value of a file into the setting's value. Knows nothing of where they
stand. The supervisor imports this, so the server's settings are imported only when one of them is used.
"""

from covet._setting import Setting, UsageError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

__all__ = ["CORE", "every", "find", "from_file", "from_text", "metavar", "shown"]

LOOPS: "Final" = ("covet", "asyncio", "uvloop")
LOG_LEVELS: "Final" = ("critical", "error", "warning", "info", "debug")

_INT: "Final" = 0x7FFFFFFF
CORE: "Final" = (
    Setting("app", "path", "", "the application, module:attribute, as app:main", optional=True, nothing=""),
    Setting("host", "names", ("127.0.0.1",), "address to listen on, repeatable"),
    Setting("port", "number", 8000, "port to listen on, 0 for a free one", most=65535),
    Setting(
        "uds",
        "path",
        None,
        "Unix socket to listen on, instead of host and port; @NAME for an abstract one",
        optional=True,
        nothing="",
    ),
    Setting("uds_mode", "mode", 0o660, "file mode of the Unix socket, octal", most=0o777),
    Setting(
        "fd", "numbers", (), "listening socket that was inherited, repeatable, instead of host and port", most=_INT
    ),
    Setting(
        "workers",
        "number",
        None,
        "processes; auto: one for each processor that may be used; 0 serves in this one",
        most=1024,
        optional=True,
        nothing="auto",
    ),
    Setting(
        "threads",
        "number",
        1,
        "event loops of each worker, each on a thread of its own; more than one needs Python without its GIL",
        most=1024,
    ),
    Setting("app_dir", "path", ".", "folder to import the application from"),
    Setting("factory", "switch", False, "APP is a function that returns the application"),
    Setting("loop", "text", "covet", "event loop", choices=LOOPS),
    Setting("log_level", "text", "info", f"{', '.join(LOG_LEVELS)}: the least that is logged", choices=LOG_LEVELS),
    Setting("reload", "switch", False, "for development: one worker, replaced when a file changes; debug is on"),
    Setting("reload_dir", "names", (), "folder to watch, repeatable; none is the folder of the application"),
    Setting("reload_include", "names", (), "pattern of files that count beside *.py, repeatable"),
    Setting("reload_exclude", "names", (), "pattern of files and folders that do not count, repeatable"),
)
"""The settings of the command. Their units: number, numbers, mode (octal), path, names (several), text, switch."""

_BY_NAME: "Final" = {setting.name: setting for setting in CORE}
_FREQUENT: "Final" = {"access_log": Setting("access_log", "switch", False, "")}
"""Settings of the server that are often said, and known here without the cost of the others."""
_HIDDEN: "Final" = {"debug": "it is the application's: write Covet(debug=True)"}
_METAVARS: "Final" = {
    "share": "SHARE",
    "list": "LIST",
    "text": "TEXT",
    "seconds": "SECONDS",
    "bytes": "SIZE",
    "bytes a second": "BYTES",
    "count": "N",
    "count from 0": "N",
    "number": "N",
    "numbers": "N",
    "mode": "MODE",
    "path": "PATH",
    "names": "NAME",
}
_ON: "Final" = ("true", "1", "yes", "on")
_OFF: "Final" = ("false", "0", "no", "off")


def every() -> "Iterator[Setting]":
    """Every setting that can be said outside of a program."""
    yield from CORE
    yield from _of_server().values()


def find(name: str) -> Setting | None:
    """A setting by its name."""
    return _BY_NAME.get(name) or _FREQUENT.get(name) or _of_server().get(name)


def hint(name: str, known: "dict[str, str]", otherwise: str) -> str:
    """What to do about a name that is no setting; `known`: how settings are written there, by name."""
    if name in _HIDDEN:
        return _HIDDEN[name]
    import difflib  # only for a mistake

    near = difflib.get_close_matches(name.replace("-", "_").lower(), known, 1)
    return f"did you mean {known[near[0]]}?" if near else otherwise


def metavar(setting: Setting) -> str:
    """What stands for its value in the help."""
    choices = "|".join(setting.choices)
    return choices if choices and len(choices) < 24 else _METAVARS.get(setting.unit, "VALUE")


def shown(setting: Setting, value: object) -> str:
    """A value as people read it."""
    if value is None or value in ((), ""):
        return setting.nothing or "none"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))
    return f"{value:o}" if setting.unit == "mode" else str(value)


def from_text(setting: Setting, text: str, label: str) -> object:
    """The value that a text says. It does not fit: UsageError that names `label`."""
    given: object = text
    match setting.unit:
        case "switch":
            if text.lower() not in (*_ON, *_OFF):
                raise UsageError(f"{label} is {text!r}: write true or false")
            given = text.lower() in _ON
        case "names":
            given = [word.strip() for word in text.split(",")]
        case "numbers":
            given = [_number(word.strip(), 10) for word in text.split(",")]
        case "number":
            given = _number(text, 10)
        case "seconds" | "share":
            given = _float(text)
        case "count" | "count from 0" | "bytes a second":
            given = _int(text)
        case "bytes" if text.isdecimal():
            given = int(text)
        case _:
            pass
    return _checked(setting, given, label)


def from_file(setting: Setting, value: object, label: str) -> object:
    """The value that a file says. It does not fit: UsageError that names `label`."""
    if setting.unit in ("names", "numbers") and not isinstance(value, list):
        value = [value]
    return _checked(setting, value, label)


def _checked(setting: Setting, value: object, label: str) -> object:
    """The value, normalised."""
    if setting.optional and isinstance(value, str) and value.lower() == setting.nothing:
        return None
    if setting.name in _BY_NAME or setting.unit == "switch":
        return _checked_core(setting, value, label)
    from covet.errors import ConfigurationError  # with the settings, which are here already
    from covet.settings import checked

    try:
        return checked(setting, value)
    except ConfigurationError as error:
        raise UsageError(str(error).replace(setting.name, label, 1)) from None


def _checked_core(setting: Setting, value: object, label: str) -> object:
    """The value of one of CORE."""
    match setting.unit:
        case "number":
            if _is_number(value, setting.most):
                return value
            want = f"a whole number from 0 to {setting.most}" + (f", or {setting.nothing}" if setting.optional else "")
        case "numbers":
            if isinstance(value, list) and all(_is_number(each, setting.most) for each in value):
                return tuple(value)
            value = value[0] if isinstance(value, list) and len(value) == 1 else value
            want = f"a whole number from 0 to {setting.most}"
        case "mode":  # always text: 660 and 0o660 are two numbers
            mode = _number(value, 8) if isinstance(value, str) else None
            if isinstance(mode, int) and 0 <= mode <= setting.most:
                return mode
            want = f'a whole number from 0 to {setting.most:o}, as "660"'
        case "switch":
            if isinstance(value, bool):
                return value
            want = "true or false"
        case "names":
            names = isinstance(value, list) and all(isinstance(name, str) and name for name in value)
            if isinstance(value, list) and names and (value or not setting.default):
                return tuple(value)
            want = "one name, or a list of them"
        case _:
            if isinstance(value, str) and value and (not setting.choices or value in setting.choices):
                return value
            want = f"one of {', '.join(setting.choices)}" if setting.choices else "a text"
    raise UsageError(f"{label} is {value!r}: write {want}")


def _is_number(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _number(text: str, radix: int) -> "int | str":
    """A whole number, or the text where it says none."""
    try:
        return int(text, radix)
    except ValueError:
        return text


def _int(text: str) -> "int | str":
    return _number(text, 10)


def _float(text: str) -> "float | str":
    try:
        return float(text)
    except ValueError:
        return text


def _of_server() -> "dict[str, Setting]":
    """The server's settings that can be said outside of a program."""
    from covet.settings import described  # costs 20 ms, which most starts need not pay

    return {each.name: each for each in described() if each.name not in _HIDDEN}
