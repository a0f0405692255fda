"""One worker: loads the application, starts its lifespan, serves until a signal, drains.

Runs under the supervisor (`python -m covet.worker`) or in the calling process (`covet run --workers 0`). It ends by
returning from `main`, so that what runs at exit runs.
"""

import asyncio
import contextlib
import dataclasses
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import NamedTuple

from covet._descriptors import connections_within, raise_limit
from covet._native import set_parent_death_signal
from covet._serving import Serving
from covet.app import Covet
from covet.errors import ConfigurationError
from covet.launch import FAILED_START, Assignment, Launch, UsageError, parse
from covet.lifespan import around
from covet.listeners import refuse_new, remove_unix
from covet.loading import LoadError, load_app
from covet.loop import EventLoop
from covet.settings import ServerSettings


class FailedStart(Exception):
    """The application cannot be served; the text is for the person who started it."""


class Ended(NamedTuple):
    """How serving ended."""

    code: int
    """For the exit: 1 where a second signal cut it short."""
    stuck: int
    """Handlers that still run in the pool."""


class Stop:
    """Signals to stop: the first drains, the second ends at once."""

    def __init__(self, signals: tuple[signal.Signals, ...]) -> None:
        self._signals = signals
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self.asked = asyncio.Event()
        for number in signals:
            self._loop.add_signal_handler(number, self._ask)

    def _ask(self) -> None:
        if not self.asked.is_set():
            self.asked.set()
            return
        for number in self._signals:  # a third one is the operating system's
            self._loop.remove_signal_handler(number)
        if self._task is not None:
            self._task.cancel()


async def serve(
    app: Covet, launch: Launch, listeners: list[socket.socket], ready: Callable[[], None], part: Assignment | None
) -> Ended:
    """Serve until a signal; `ready` is called when connections are accepted. Not startable: FailedStart."""
    stop = Stop((signal.SIGTERM,) if part is not None else (signal.SIGTERM, signal.SIGINT))
    try:
        settings = ServerSettings(**launch.settings)
        fitting = connections_within(raise_limit(), settings.max_connections)
        serving = Serving(app, dataclasses.replace(settings, max_connections=fitting))
    except ConfigurationError as error:
        raise FailedStart(str(error)) from None
    if part is not None and part.counters >= 0:
        serving.share(part.counters, part.slot, part.slots)
    code = 0
    try:
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(around(app.lifespan, app))
            except Exception as error:
                raise FailedStart(_one_line("the lifespan failed to start", error)) from error
            serving.start([listener.fileno() for listener in listeners])
            ready()
            await stop.asked.wait()
            for listener in listeners:  # the engine's copies are the last ones, which it empties before it closes
                if part is None:
                    refuse_new(listener)
                    remove_unix(listener)
                listener.close()
            await serving.drain(launch.drain_timeout)
    except asyncio.CancelledError:  # the second signal
        code = 1
    return Ended(code, serving.stuck)


def run(launch: Launch, listeners: list[socket.socket], ready: Callable[[], None], part: Assignment | None) -> int:
    """Load, serve, end; the exit code. Not startable: FailedStart."""
    _log_to_stderr(launch.log_level)
    try:
        app = load_app(launch.app, launch.app_dir, factory=launch.factory)
    except (LoadError, ConfigurationError) as error:
        raise FailedStart(str(error)) from None
    interval = launch.settings.get("switch_interval")
    if interval is not None:
        sys.setswitchinterval(interval)
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        ended = runner.run(serve(app, launch, listeners, ready, part))
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it reaches the whole group; the supervisor decides
    for fd in (part.ready, part.counters, *part.listeners):
        if fd >= 0:
            os.set_inheritable(fd, False)

    def tell(text: str) -> None:
        with contextlib.suppress(BrokenPipeError), open(part.ready, "wb") as pipe:
            pipe.write(text.encode(errors="backslashreplace"))

    try:
        return run(
            parse(arguments[1:]), [socket.socket(fileno=fd) for fd in part.listeners], lambda: tell("ready"), part
        )
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
