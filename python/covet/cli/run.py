"""`covet run`: bind, then supervise workers, or serve here with `--workers 0`.

On the way to a supervised start this imports as little as it can: start-up time is a promise.
"""

import socket
import sys

from covet.launch import Launch, options, parse
from covet.listeners import listen, listen_unix, remove_unix, url_of
from covet.supervisor import Supervisor, say


def run(words: list[str]) -> int:
    """Serve until a signal; the exit code."""
    if "-h" in words or "--help" in words:
        _help()
        return 0
    if "--print-config" in words:
        from covet.cli.config import config

        return config(words)
    launch = parse(words)
    try:
        listeners = _listen(launch)
    except OSError as error:
        say(error.strerror or str(error))
        return 1
    if launch.reload:
        from covet.reloading import Reloader

        return Reloader(words, listeners, launch).run()
    if launch.workers == 0:
        return _here(launch, listeners)
    return Supervisor(words, listeners, launch.workers, launch.drain_timeout).run()


def _listen(launch: Launch) -> list[socket.socket]:
    """The listening sockets."""
    if launch.uds is not None:
        return [listen_unix(launch.uds, launch.backlog, launch.uds_mode)]
    return listen(launch.hosts, launch.port, launch.backlog)


def _here(launch: Launch, listeners: list[socket.socket]) -> int:
    """Serve in this process."""
    from covet.worker import FailedStart
    from covet.worker import run as serve

    def ready() -> None:
        say(f"serving {', '.join(map(url_of, listeners))} (this process)")

    try:
        return serve(launch, listeners, ready, None)
    except FailedStart as failure:
        say(str(failure))
        return 1
    finally:
        for listener in listeners:
            remove_unix(listener)
            listener.close()


def _help() -> None:
    """Every option with its default."""
    lines = ["usage: covet run APP [options]", "", "APP is module:attribute, as app:main", ""]
    lines += [f"  {flag:<34} {words}" for flag, words in options()]
    lines += ["", "SIZE is bytes, or as 64KB (64,000) or 64KiB (65,536)"]
    lines += ["--no-NAME turns a switch off. A setting is also read from the variable COVET_NAME, then from the file;"]
    lines += ["what is nearer to the command counts"]
    sys.stdout.write("\n".join(lines) + "\n")
