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
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NamedTuple

from covet._descriptors import connections_within, raise_limit
from covet._drivers import loop_factory
from covet._gil import check_threads
from covet._native import set_parent_death_signal
from covet._policy import Policy
from covet._serving import Serving
from covet._starting import FailedStart, started
from covet._systemd import Notifier
from covet._threads import Threads, Work
from covet.app import Covet
from covet.errors import ConfigurationError
from covet.launch import FAILED_START, Assignment, Launch, UsageError, parse
from covet.listeners import Sockets
from covet.loading import LoadError, load_app
from covet.settings import ServerSettings


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
    policy = Policy(1, launch.settings, launch.threads if part is None else part.threads)
    try:
        settings = ServerSettings(**launch.settings)
        fitting = connections_within(raise_limit(), settings.max_connections, policy.threads)
        settings = dataclasses.replace(settings, max_connections=fitting)
    except ConfigurationError as error:
        raise FailedStart(str(error)) from None

    def engine(number: int) -> Serving:
        """That of a thread, by its number; the first one's is 0."""
        try:
            serving = Serving(app, settings)
        except ConfigurationError as error:
            raise FailedStart(str(error)) from None
        if part is not None and part.board >= 0:
            serving.share(part.board, part.slot + number, part.slots, policy.beat)
        return serving

    serving, others = engine(0), Threads()
    work = Work(app, engine, [listener.fileno() for listener in listeners], loop_factory(launch.loop))

    def reopen_log() -> None:
        serving.reopen_log()
        others.reopen_log()

    code = 0
    try:
        async with started(app, serving, work.listeners), others.running(work, policy.threads - 1):
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, reopen_log)
            told.ready()
            with _signs_of_life(told.notifier):
                await _first(stop.asked.wait(), others.first_end())
            if told.notifier is not None:
                told.notifier.stopping()
            if part is None and policy.drain_delay:
                serving.announce_drain()
                others.announce_drain()
                await stop.wait(policy.drain_delay)
            listeners.close()  # the engines' copies are the last ones, which they empty before they close
            await _all(serving.drain(policy.drain_timeout), others.drain(policy.drain_timeout))
    except asyncio.CancelledError:  # the second signal
        code = 1
    asyncio.get_running_loop().remove_signal_handler(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # the log is closed; by default the signal would end us badly
    return Ended(code, serving.stuck + others.stuck)


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Until the first of them is over, which raises what it raised; the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()


async def _all(*waits: Coroutine[Any, Any, object]) -> None:
    """Until all are over. Cancelled: they are, and have come to their ends."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise
    for task in tasks:
        task.result()


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
        check_threads(launch.threads if part is None else part.threads)  # again: what was imported may want the GIL
    except (LoadError, ConfigurationError, UsageError) as error:
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
