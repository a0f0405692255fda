"""Where settings come from: the words of a command, the environment, a file. Each value keeps its origin.

Knows how a setting is written in each of them; what the values mean is `covet.options`' matter. The supervisor imports
this, so what reads TOML is imported only when there is a file to read.
"""

import os

from covet._setting import Setting, UsageError
from covet.options import every, find, from_file, from_text, hint

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

__all__ = ["Given", "gather"]

DEFAULT, FILE, ENVIRONMENT, FLAG = range(4)
"""Ranks: the higher one counts."""
FILES: "Final" = ("covet.toml", "pyproject.toml")
"""Looked for in this order in the current folder; the second one counts where it has a table [tool.covet]."""
_PREFIX: "Final" = "COVET_"
_TESTS: "Final" = "COVET_TEST_"
"""What the project's own tests are told; servers that they start inherit it."""
_CONFIG: "Final" = "config"
_KUBERNETES: "Final" = "Kubernetes sets it for a service named covet; enableServiceLinks: false turns that off"


class Given:
    """A value, and where it was said."""

    __slots__ = ("origin", "rank", "value")

    def __init__(self, value: object, origin: str, rank: int) -> None:
        self.value = value
        self.origin = origin
        self.rank = rank


def gather(words: list[str], environment: "Mapping[str, str]") -> dict[str, Given]:
    """What was said, by name of the setting: an option before a variable before a file. Nonsense: UsageError."""
    flags, said = _words(words), _environment(environment)
    path = flags.pop(_CONFIG, None) or said.pop(_CONFIG, None)
    said.pop(_CONFIG, None)
    return _file(None if path is None else str(path.value)) | said | flags


def _words(words: list[str]) -> dict[str, Given]:
    """The words after the command."""
    left, given, several = list(words), dict[str, Given](), dict[str, list[str]]()
    while left:
        word = left.pop(0)
        if not word.startswith("-"):
            if "app" in given:
                raise UsageError(f"two applications, {given['app'].value!r} and {word!r}: give one")
            given["app"] = Given(word, "the command", FLAG)
            continue
        flag, equals, value = word.partition("=")
        setting, on = _flagged(flag)
        if setting is not None and setting.unit == "switch":
            if equals:
                raise UsageError(f"{flag} takes no value")
            given[setting.name] = Given(on, flag, FLAG)
            continue
        if not equals:
            if not left:
                raise UsageError(f"{flag} needs a value")
            value = left.pop(0)
        if setting is None:
            given[_CONFIG] = Given(value, flag, FLAG)
        elif setting.unit in ("names", "numbers"):
            several.setdefault(setting.name, []).append(value)
            given[setting.name] = Given(from_text(setting, ",".join(several[setting.name]), flag), flag, FLAG)
        else:
            given[setting.name] = Given(from_text(setting, value, flag), flag, FLAG)
    return given


def _flagged(flag: str) -> tuple[Setting | None, bool]:
    """The setting of an option, and whether it turns a switch on; no setting: --config. Unknown: UsageError."""
    name = flag[2:].replace("-", "_")
    if flag == "--config":
        return None, True
    if flag.startswith("--") and "_" not in flag and name != "app":
        if (setting := find(name)) is not None:
            return setting, True
        off = find(name.removeprefix("no_"))
        if off is not None and off.unit == "switch":
            return off, False
    known = {setting.name: setting.flag for setting in every() if setting.name != "app"} | {_CONFIG: "--config"}
    raise UsageError(f"unknown option {flag}: {hint(name, known, '`covet run --help` lists them')}")


def _environment(environment: "Mapping[str, str]") -> dict[str, Given]:
    """The variables that begin with COVET_."""
    given = dict[str, Given]()
    for variable in sorted(key for key in environment if key.startswith(_PREFIX)):
        if variable.startswith(_TESTS):
            continue
        name, text = variable[len(_PREFIX) :].lower(), environment[variable]
        setting = find(name) if variable.isupper() else None
        if text.startswith("tcp://") or name.startswith(("service_", "port_")):
            raise UsageError(f"{variable} is {text!r}: {_KUBERNETES}")
        if variable == _PREFIX + "CONFIG":
            given[_CONFIG] = Given(text, variable, ENVIRONMENT)
        elif setting is None:
            known = {each.name: each.variable for each in every()} | {_CONFIG: "COVET_CONFIG"}
            raise UsageError(f"unknown variable {variable}: {hint(name, known, '`covet config` lists them')}")
        else:
            given[name] = Given(from_text(setting, text, variable), variable, ENVIRONMENT)
    return given


def _file(asked: str | None) -> dict[str, Given]:
    """The settings of the file that was asked for, or else of the one that is there."""
    path = asked or next((name for name in FILES if os.path.exists(name)), None)
    if path is None:
        return {}
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    in_project = os.path.basename(path) == "pyproject.toml"
    if in_project and asked is None and not _may_have_table(text):
        return {}
    table = _table(path, text, in_project=in_project, wanted=asked is not None)
    lines = _lines(text.decode().splitlines(), in_project=in_project)
    given = dict[str, Given]()
    for name, value in table.items():
        place = f"{path}:{lines[name]}" if name in lines else path
        setting = find(name)
        if setting is None:
            known = {each.name: each.name for each in every()}
            raise UsageError(f"{place}: unknown setting {name!r}: {hint(name, known, '`covet config` lists them')}")
        given[name] = Given(from_file(setting, value, f"{place}: {name}"), place, FILE)
    return given


def _may_have_table(text: bytes) -> bool:
    """Whether a project's file is worth what reading TOML costs: it may speak of the table [tool.covet]."""
    squeezed = text.translate(None, b" \t\"'")
    return any(sign in squeezed for sign in (b"tool.covet]", b"tool.covet.", b"tool.covet=", b"[tool]"))


def _table(path: str, text: bytes, *, in_project: bool, wanted: bool) -> "dict[str, Any]":
    """The table of settings in a file; empty where a project's file has none and nobody asked for it."""
    import tomllib  # only for a file

    try:
        table: Any = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
    if in_project:
        table = table.get("tool", {}).get("covet")
        if table is None and wanted:
            raise UsageError(f"{path} has no table [tool.covet]: write one, or name another file")
    if not isinstance(table, dict):
        if table is not None:
            raise UsageError(f"{path}: tool.covet is {table!r}: write a table [tool.covet]")
        return {}
    return table


def _lines(lines: list[str], *, in_project: bool) -> dict[str, int]:
    """The line of each key that stands at the beginning of one, by name; in a project's file below [tool.covet]."""
    found, inside = dict[str, int](), not in_project
    for number, line in enumerate(lines, 1):
        if line.startswith("["):
            inside = in_project and "".join(line.split()).startswith("[tool.covet]")
        name, equals, _ = line.partition("=")
        if inside and equals:
            found.setdefault(name.strip().strip("\"'"), number)
    return found
