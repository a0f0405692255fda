"""`covet config`, and `--print-config` of any command that serves: every setting with its value, origin and meaning.

What it prints is a `covet.toml` that says the same. Loads no application. Values of settings that let somebody in are
masked; there is none today: secrets are in files, which settings name.
"""

from collections.abc import Iterator

from covet._failed import MASK, is_secret
from covet._setting import Setting
from covet.launch import Launch, parse
from covet.options import every


def config(words: list[str]) -> int:
    """Print the settings; the exit code."""
    launch = parse([word for word in words if word != "--print-config"], needs_app=False)
    rows = list(_rows(launch))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for assignment, origin, words_of_it in rows:
        print(f"{assignment:<{widths[0]}}  # {origin:<{widths[1]}}  {words_of_it}")
    return 0


def _rows(launch: Launch) -> Iterator[tuple[str, str, str]]:
    """Assignment, origin and meaning of each setting."""
    for setting in every():
        given = launch.given.get(setting.name)
        value = setting.default if given is None else given.value
        unit = f" ({setting.unit})" if setting.unit in ("seconds", "bytes", "bytes a second", "share") else ""
        unused = setting.name in ("host", "port") and bool(launch.uds or launch.fds)
        masked = setting.unit != "path" and is_secret(setting.name)
        yield (
            f"# {setting.name} = {MASK}" if masked else "# " * unused + _assignment(setting, value),
            "default" if given is None else given.origin,
            setting.words + unit,
        )


def _assignment(setting: Setting, value: object) -> str:
    """A line of TOML."""
    text = f"{value:o}" if setting.unit == "mode" else setting.nothing if value is None else value
    return f"{setting.name} = {_toml(text)}"


def _toml(value: object) -> str:
    """A value as TOML 1.0 writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + "".join(map(_character, value)) + '"'
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)


def _character(character: str) -> str:
    """One character of a basic string."""
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08X}"
