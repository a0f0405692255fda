"""The further threads of a worker: each has an event loop, an engine and a lifespan; they share the application.

The first thread, which is the process's own, follows signals and tells these what to do. Knows nothing of signals.
"""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from covet._processes import loop_name
from covet._serving import Serving
from covet._starting import started
from covet.app import Covet


class Work(NamedTuple):
    """What each of the threads does."""

    app: Covet
    serving: Callable[[int], Serving]
    """Makes the engine of the thread with this number, on that thread."""
    listeners: Sequence[int]
    """Descriptors of the listening sockets."""
    new_loop: Callable[[], asyncio.AbstractEventLoop]


class Thread:
    """One further thread, as the first one sees it, on whose loop its futures are."""

    def __init__(self, work: Work, number: int) -> None:
        self._work = work
        self._number = number
        self._first = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._first.create_future()
        self.ended: asyncio.Future[int] = self._first.create_future()
        """How many handlers still run in the pool; or what ended the thread."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[int] | None = None
        self._serving: Serving | None = None
        self._asked: asyncio.Event | None = None
        self._patience = 0.0
        self._is_unwanted = False
        # Not as the first thread's: what a lifespan puts into its context is its own thread's.
        run = contextvars.Context().run
        self._thread = threading.Thread(target=run, args=(self._live,), name=loop_name(number), daemon=True)
        self._thread.start()

    def drain(self, seconds: float) -> None:
        """Stop accepting, finish what runs, abort the rest after `seconds`; see `ended`. Once it is ready."""
        self._patience = seconds
        if self._asked is not None:
            self._tell_it(self._asked.set)

    def cancel(self) -> None:
        """End now, whatever it does."""
        self._is_unwanted = True
        if self._task is not None:
            self._tell_it(self._task.cancel)

    def announce_drain(self) -> None:
        """Readiness off."""
        if self._serving is not None:
            self._serving.announce_drain()

    def reopen_log(self) -> None:
        """Open the access log's file anew."""
        if self._serving is not None:
            self._tell_it(self._serving.reopen_log)

    def _tell_it(self, what: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # its loop is closed: it has ended
            if self._loop is not None:
                self._loop.call_soon_threadsafe(what)

    def _tell(self, what: Callable[..., object], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the first thread has ended
            self._first.call_soon_threadsafe(what, *args)

    def _live(self) -> None:
        """The thread."""
        try:
            with asyncio.Runner(loop_factory=self._work.new_loop) as runner:
                stuck = runner.run(self._serve())
        except BaseException as error:  # the first thread raises it
            self._tell(_fail, self.ready, error)
            self._tell(_fail, self.ended, error)
        else:
            self._tell(self.ended.set_result, stuck)

    async def _serve(self) -> int:
        """Until it is asked to drain."""
        self._loop, self._task, self._asked = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
        if self._is_unwanted:  # since before there was a task to cancel
            return 0
        self._serving = serving = self._work.serving(self._number)
        async with started(self._work.app, serving, self._work.listeners):
            self._tell(self.ready.set_result, None)
            try:
                await self._asked.wait()
            finally:  # cancelled: with no patience
                await serving.drain(self._patience)
        return serving.stuck


class Threads:
    """All further threads of a worker."""

    def __init__(self) -> None:
        self._all: list[Thread] = []
        self.stuck = 0
        """After `drain`: handlers that still run in the pools."""

    @contextlib.asynccontextmanager
    async def running(self, work: Work, count: int) -> AsyncIterator[None]:
        """So many threads, started one after the other; at the end none is left. One does not start: what it raised."""
        try:
            for number in range(1, count + 1):
                thread = Thread(work, number)
                self._all.append(thread)
                await asyncio.shield(thread.ready)
            yield
        finally:
            for thread in self._all:
                thread.cancel()
            await asyncio.gather(*(thread.ended for thread in self._all), return_exceptions=True)

    async def first_end(self) -> None:
        """Until one ends although nobody asked it to; what ended it is raised. For ever where there are none."""
        if not self._all:
            await asyncio.get_running_loop().create_future()
        done, _ = await asyncio.wait([thread.ended for thread in self._all], return_when=asyncio.FIRST_COMPLETED)
        for ended in done:
            ended.result()

    async def drain(self, seconds: float) -> None:
        """Let all drain; returns when none is left. Cancelled: ends them at once."""
        for thread in self._all:
            thread.drain(seconds)
        self.stuck = sum(await asyncio.gather(*(asyncio.shield(thread.ended) for thread in self._all)))

    def announce_drain(self) -> None:
        """Readiness off."""
        for thread in self._all:
            thread.announce_drain()

    def reopen_log(self) -> None:
        """Open the access log's file anew."""
        for thread in self._all:
            thread.reopen_log()


def _fail(future: "asyncio.Future[None] | asyncio.Future[int]", error: BaseException) -> None:
    """What ended a thread, for who waits; a future of asyncio takes no StopIteration, which no thread raises."""
    if not future.done():
        future.set_exception(error)
        future.exception()  # it may be that nobody asks
