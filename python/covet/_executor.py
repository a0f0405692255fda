"""The threads of `run_in_executor(None, ...)`: the standard library's, for which a call is cheaper to hand over.

A call that `ThreadPoolExecutor.submit` takes is a future with a lock and a condition of its own, of which asyncio makes
a second one. Here the call itself is what the worker runs, and it sets asyncio's future by one callback on the loop.
Order, number and names of the threads, their end with the executor or the interpreter, and what an exception becomes
are the standard library's, of which these parts are private: tests/loop/test_executor.py holds them to it.
"""

import asyncio
from asyncio import futures
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, thread
from typing import Any

__all__ = ["Threads"]

_module: Any = thread
_converted: Callable[[BaseException], BaseException] = futures._convert_future_exc  # type: ignore[attr-defined]


class _Idle:
    """Counts threads that wait, as the semaphore that it replaces, without a lock in Python."""

    def __init__(self) -> None:
        self._waiting: deque[None] = deque()

    def acquire(self, timeout: float = 0) -> bool:  # noqa: ARG002 - its caller passes it
        """Take one, if there is one."""
        try:
            self._waiting.pop()
        except IndexError:
            return False
        return True

    def release(self) -> None:
        """One more waits."""
        self._waiting.append(None)


class Threads(ThreadPoolExecutor):
    """The default executor of a loop that was given none: asyncio's, by its name and size."""

    _shutdown_lock: Any
    _work_queue: Any
    _shutdown: bool
    _idle_semaphore: Any

    def __init__(self) -> None:
        super().__init__(thread_name_prefix="asyncio")
        self._idle_semaphore = _Idle()

    def call(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> asyncio.Future[Any]:
        """Call `function(*args)` on a thread; return the loop's future of what it returns.

        Raises:
            RuntimeError: The executor was shut down, or the interpreter ends.
        """
        call = _Call(loop, function, args)
        with self._shutdown_lock, _module._global_shutdown_lock:
            if self._shutdown:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if _module._shutdown:
                raise RuntimeError("cannot schedule new futures after interpreter shutdown")
            self._work_queue.put(call)
            self._adjust_thread_count()  # type: ignore[attr-defined, unused-ignore]
        return call.answer


class _Call:
    """What a worker runs, in place of the standard library's `_WorkItem`."""

    __slots__ = ("_args", "_error", "_function", "_loop", "_result", "answer")

    def __init__(self, loop: asyncio.AbstractEventLoop, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._loop, self._function, self._args = loop, function, args
        self.answer = loop.create_future()
        self._error: BaseException | None = None

    def run(self, _context: object = None) -> None:
        """Call, on a thread of the executor; since 3.14 it passes what it prepared for its calls."""
        function, args = self._function, self._args
        del self._function, self._args
        if self.answer.done():
            return
        try:
            self._result = function(*args)
        except BaseException as error:
            self._error = error
        self._tell(self._settle)
        # An exception keeps this frame, and the future keeps the exception.
        del self, function, args

    @property
    def future(self) -> "_Call":
        """What the executor cancels where it drops what waits."""
        return self

    def cancel(self) -> None:
        """The call will not be made."""
        self._tell(self.answer.cancel)

    def _tell(self, callback: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:
            # Nobody waits any more.
            if not self._loop.is_closed():
                raise

    def _settle(self) -> None:
        """Give the answer, on the loop."""
        error, self._error = self._error, None
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(self._result)
        else:
            self.answer.set_exception(_converted(error))
