"""Which command was asked for. Each has a module of its own, imported when it is used.

Every mistake is one line on standard error and a non-zero exit code.
"""

import sys

from covet.launch import UsageError

USAGE = """usage: covet run APP [options]      serve an application, as `covet run app:main`
       covet routes APP [-v]        list its routes; -v says why each runs where it does
       covet check APP              load it and compile its routes, serve nothing
       covet config [APP] [options] print every setting with its value and origin
       covet --version
`covet run --help` lists the options."""
COMMANDS = ("run", "routes", "check", "config")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code: 0 well, 1 failed, 2 not understood."""
    words = sys.argv[1:] if arguments is None else arguments
    if sys.platform == "win32":
        print("covet: Windows is not supported: use Linux, macOS or WSL", file=sys.stderr)
        return 1
    try:
        return _command(words)
    except UsageError as error:
        print(f"covet: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _command(words: list[str]) -> int:
    """Dispatch."""
    match words:
        case ["-h" | "--help" | "help", *_]:
            print(USAGE)
            return 0
        case ["-V" | "--version", *_]:
            from covet.cli.version import version

            print(f"covet {version()}")
            return 0
        case ["run", *rest]:
            from covet.cli.run import run

            return run(rest)
        case ["routes", *rest]:
            from covet.cli.routes import routes

            return routes(rest)
        case ["check", *rest]:
            from covet.cli.check import check

            return check(rest)
        case ["config", *rest]:
            from covet.cli.config import config

            return config(rest)
        case []:
            raise UsageError(f"no command: write one of {', '.join(COMMANDS)}; `covet --help` says what they do")
        case [word, *_]:
            raise UsageError(f"unknown command {word!r}: write one of {', '.join(COMMANDS)}")
        case _:
            return 2
