"""`covet run`: bind, then supervise workers, or serve here with `--workers 0`.

On the way to a supervised start this imports as little as it can: start-up time is a promise.
"""

import os
import sys

from covet import _cpus
from covet._gil import check_threads
from covet._handover import Inheritance, take_inheritance
from covet._init import stay_behind
from covet._messages import say
from covet._policy import Policy
from covet._systemd import Notifier, take_listen_fds
from covet.launch import Launch, options, parse
from covet.listeners import Sockets, adopt, listen, listen_unix, somaxconn, url_of
from covet.supervisor import Supervisor


def run(words: list[str]) -> int:
    """Serve until a signal; the exit code."""
    if "-h" in words or "--help" in words:
        _help()
        return 0
    if "--print-config" in words:
        from covet.cli.config import config

        return config(words)
    launch = parse(words)
    check_threads(launch.threads)
    before = take_inheritance()
    try:
        sockets = _open(launch, before)
    except OSError as error:
        say(error.strerror or str(error))
        return 1
    if launch.reload:
        from covet.reloading import Reloader

        return Reloader(words, sockets, launch).run()
    if launch.workers == 0:
        if os.getpid() == 1:
            stay_behind()
        return _here(launch, sockets, before)
    workers = max(1, _cpus.count() // launch.threads) if launch.workers is None else launch.workers
    return Supervisor(words, sockets, Policy(workers, launch.settings, launch.threads), Notifier(), before).run()


def _open(launch: Launch, before: Inheritance | None) -> Sockets:
    """The listening sockets: those of the covet before us, of the service manager, by number, or new ones."""
    given = [*((fd, "") for fd in launch.fds), *take_listen_fds()]
    if before is not None:
        found = Sockets(map(adopt, before.fds), owned=False)  # until we are ready they are those of the covet before us
        for fd in before.fds:
            os.close(fd)
        return found
    if given:
        found = Sockets((adopt(fd, name) for fd, name in given), owned=False)
        for fd, _ in given:
            os.set_inheritable(fd, False)  # workers get the duplicates, other programs nothing
        return found
    most = somaxconn()
    if most is not None and most < launch.backlog:
        say(
            f"backlog {launch.backlog} is more than net.core.somaxconn allows, which is {most}: "
            "raise that, or set --backlog lower"
        )
    if launch.uds is not None:
        return Sockets([listen_unix(launch.uds, launch.backlog, launch.uds_mode)])
    return Sockets(listen(launch.hosts, launch.port, launch.backlog))


def _here(launch: Launch, sockets: Sockets, before: Inheritance | None) -> int:
    """Serve in this process."""
    from covet._starting import FailedStart
    from covet.worker import Told
    from covet.worker import run as serve

    notifier = Notifier()

    def ready() -> None:
        status = f"serving {', '.join(map(url_of, sockets))} (this process)"
        say(status)
        if before is not None:
            sockets.owned = before.owned
            before.tell_ready()
        else:
            notifier.ready(status)

    try:
        return serve(launch, sockets, Told(ready, notifier), None)
    except FailedStart as failure:
        say(str(failure))
        return 1
    finally:
        sockets.close()


def _help() -> None:
    """Every option with its default."""
    lines = ["usage: covet run APP [options]", "", "APP is module:attribute, as app:main", ""]
    lines += [f"  {flag:<34} {words}" for flag, words in options()]
    lines += ["", "SIZE is bytes, or as 64KB (64,000) or 64KiB (65,536)"]
    lines += ["--no-NAME turns a switch off. A setting is also read from the variable COVET_NAME, then from the file;"]
    lines += ["what is nearer to the command counts"]
    sys.stdout.write("\n".join(lines) + "\n")
