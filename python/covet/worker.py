"""One worker: loads the application, starts its lifespan, serves until a signal, drains.

Runs under the supervisor (`python -m covet.worker`) or in the calling process (`covet run --workers 0`). It ends by
returning from `main`, so that what runs at exit runs.
"""

import asyncio
import contextlib
import dataclasses
import faulthandler
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import NamedTuple

from covet._descriptors import connections_within, raise_limit
from covet._drivers import loop_factory
from covet._native import set_parent_death_signal
from covet._policy import Policy
from covet._serving import Serving
from covet._systemd import Notifier
from covet.app import Covet
from covet.errors import ConfigurationError
from covet.launch import FAILED_START, Assignment, Launch, UsageError, parse
from covet.lifespan import around
from covet.listeners import Sockets
from covet.loading import LoadError, load_app
from covet.settings import ServerSettings


class FailedStart(Exception):
    """The application cannot be served; the text is for the person who started it."""


class Ended(NamedTuple):
    """How serving ended."""

    code: int
    """For the exit: 1 where a second signal cut it short."""
    stuck: int
    """Handlers that still run in the pool."""


class Told(NamedTuple):
    """Who hears how serving goes."""

    ready: Callable[[], None]
    """Connections are accepted."""
    notifier: Notifier | None = None
    """The service manager, where no supervisor speaks to it."""


class Stop:
    """Signals to stop: the first drains, after a delay where there is one; the next ends that, the last ends all."""

    def __init__(self, signals: tuple[signal.Signals, ...]) -> None:
        self._signals = signals
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self.asked = asyncio.Event()
        self._hurry = asyncio.Event()
        self._waits = False
        for number in signals:
            self._loop.add_signal_handler(number, self._ask)

    def _ask(self) -> None:
        if not self.asked.is_set():
            self.asked.set()
            return
        if self._waits:
            self._hurry.set()
            return
        for number in self._signals:  # a third one is the operating system's
            self._loop.remove_signal_handler(number)
        if self._task is not None:
            self._task.cancel()

    async def wait(self, seconds: float) -> None:
        """So long, or until the next signal."""
        self._waits = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)
        self._waits = False


async def serve(app: Covet, launch: Launch, listeners: Sockets, told: Told, part: Assignment | None) -> Ended:
    """Serve until a signal. Not startable: FailedStart."""
    stop = Stop((signal.SIGTERM,) if part is not None else (signal.SIGTERM, signal.SIGINT))
    try:
        settings = ServerSettings(**launch.settings)
        fitting = connections_within(raise_limit(), settings.max_connections)
        serving = Serving(app, dataclasses.replace(settings, max_connections=fitting))
    except ConfigurationError as error:
        raise FailedStart(str(error)) from None
    policy = Policy(1, launch.settings)
    if part is not None and part.board >= 0:
        serving.share(part.board, part.slot, part.slots, policy.beat)
    code = 0
    try:
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(around(app.lifespan, app))
            except Exception as error:
                raise FailedStart(_one_line("the lifespan failed to start", error)) from error
            try:
                serving.start([listener.fileno() for listener in listeners])
            except OSError as error:
                raise FailedStart(_one_line("cannot serve", error)) from error
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, serving.reopen_log)
            told.ready()
            with _signs_of_life(told.notifier):
                await stop.asked.wait()
            if told.notifier is not None:
                told.notifier.stopping()
            if part is None and policy.drain_delay:
                serving.announce_drain()
                await stop.wait(policy.drain_delay)
            listeners.close()  # the engine's copies are the last ones, which it empties before it closes
            await serving.drain(policy.drain_timeout)
    except asyncio.CancelledError:  # the second signal
        code = 1
    asyncio.get_running_loop().remove_signal_handler(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # the log is closed; by default the signal would end us badly
    return Ended(code, serving.stuck)


@contextlib.contextmanager
def _signs_of_life(notifier: Notifier | None) -> Iterator[None]:
    """Tell the service manager now and then that the loop runs, where it wants to know."""
    if notifier is None or notifier.watchdog is None:
        yield
        return

    async def tell(period: float) -> None:
        while True:
            notifier.alive()
            await asyncio.sleep(period)

    telling = asyncio.create_task(tell(notifier.watchdog))
    try:
        yield
    finally:
        telling.cancel()


def run(launch: Launch, listeners: Sockets, told: Told, part: Assignment | None) -> int:
    """Load, serve, end; the exit code. Not startable: FailedStart."""
    _log_to_stderr(launch.log_level)
    try:
        factory = loop_factory(launch.loop)
        app = load_app(launch.app, launch.app_dir, factory=launch.factory)
    except (LoadError, ConfigurationError) as error:
        raise FailedStart(str(error)) from None
    interval = launch.settings.get("switch_interval")
    if interval is not None:
        sys.setswitchinterval(interval)
    with asyncio.Runner(loop_factory=factory) as runner:
        ended = runner.run(serve(app, launch, listeners, told, part))
    if ended.stuck:  # their threads would be torn out of the interpreter while they run
        logging.getLogger("covet.server").warning("left while %d blocking handlers still ran", ended.stuck)
        logging.shutdown()
        os._exit(ended.code)
    return ended.code


def main(arguments: list[str]) -> int:
    """A worker under a supervisor: `arguments` are its assignment and the words of `covet run`."""
    part = Assignment.parse(arguments[0])
    set_parent_death_signal(signal.SIGTERM)
    if os.getppid() != part.parent:
        return 1
    for number in (signal.SIGINT, signal.SIGHUP):  # from a terminal they reach the whole group; the supervisor decides
        signal.signal(number, signal.SIG_IGN)
    for fd in (part.ready, part.board, *part.listeners):
        if fd >= 0:
            os.set_inheritable(fd, False)
    faulthandler.register(signal.SIGUSR2, part.ready, all_threads=True)  # "where are you?", also while the loop hangs

    def tell(text: str) -> None:
        with contextlib.suppress(BrokenPipeError), open(part.ready, "wb", closefd=False) as pipe:
            pipe.write(text.encode(errors="backslashreplace"))

    sockets = Sockets((socket.socket(fileno=fd) for fd in part.listeners), owned=False)
    try:
        return run(parse(arguments[1:]), sockets, Told(lambda: tell("ready")), part)
    except (FailedStart, UsageError) as failure:  # the file of settings may have changed
        tell(str(failure))
        return FAILED_START


def _log_to_stderr(level: str) -> None:
    """One plain line a record from covet's loggers, unless the application has set up logging of its own."""
    logger = logging.getLogger("covet")
    logger.setLevel(level.upper())
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(lambda _: not logging.getLogger().handlers)
    logger.addHandler(handler)


def _one_line(what: str, error: Exception) -> str:
    """An exception with the innermost place of it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name})" if frames else ""
    logging.getLogger("covet.server").debug(what, exc_info=error)
    return f"{what}: {''.join(traceback.format_exception_only(error)).strip()}{place}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
