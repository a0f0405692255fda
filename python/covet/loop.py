"""The event loop that the server runs on: asyncio's, with its scheduler in Rust.

`EventLoop` is an `asyncio.SelectorEventLoop` whose ready queue, timers and wake-ups are native and run on the same
Tokio runtime as the server's sockets, and so are its stream transports and waits for sockets. Datagrams, pipes,
subprocesses, signals and executors are the standard library's own code. There is no event-loop policy: pass
`new_event_loop` as a `loop_factory`, or call `run`.
"""

import asyncio
import signal
import socket
import ssl
import sys
import threading
from asyncio import base_events, events, format_helpers
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import Executor
from selectors import BaseSelector, DefaultSelector
from typing import Any, Protocol, TypeVar, TypeVarTuple

from covet._connections import Connections
from covet._executor import Threads
from covet._mirror import Mirror
from covet._native import Handle, Scheduler, TimerHandle
from covet._tls import TlsProtocol
from covet._transports import SocketTransport, transport_of

__all__ = ["EventLoop", "new_event_loop", "run"]

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

# Its logger is asked for at each use: programs and tests replace it.
_base_events: Any = base_events

# Since 3.13 (and late 3.12 releases) a callback's arguments are shown in debug mode only.
_HIDES_ARGUMENTS = "debug" in format_helpers._format_callback_source.__code__.co_varnames


class _Selector(Protocol):
    """What asyncio's selector must offer here: a descriptor, as epoll and kqueue have."""

    def fileno(self) -> int: ...


class EventLoop(Connections, Scheduler, asyncio.SelectorEventLoop):
    """An asyncio event loop that is one task on the server's runtime.

    It may be created on one thread and run on another; once it has connections it stays on their thread.
    """

    # What is used here of the standard library's loop beyond its documented face.
    _selector: _Selector
    _csock: socket.socket
    _signal_handlers: dict[int, asyncio.Handle]
    _check_closed: Callable[[], None]
    _check_running: Callable[[], None]
    _check_default_executor: Callable[[], None]
    _default_executor: Executor | None
    _ensure_fd_no_transport: Callable[[object], None]
    _set_coroutine_origin_tracking: Callable[[bool], None]
    _asyncgen_firstiter_hook: Callable[[AsyncGenerator[Any, Any]], None]
    _asyncgen_finalizer_hook: Callable[[AsyncGenerator[Any, Any]], None]

    def __init__(self, selector: BaseSelector | None = None) -> None:
        """Make a loop. A `selector` of one's own may be of any kind; those with a descriptor cost least."""
        if selector is None:
            selector = DefaultSelector()
        super().__init__(selector if hasattr(selector, "fileno") else Mirror(selector))
        self._listening = {}

    def run_forever(self) -> None:
        """Run until `stop()` is called."""
        self._check_closed()
        self._check_running()
        self._set_coroutine_origin_tracking(self._debug)
        hooks = sys.get_asyncgen_hooks()
        owns_signals = self._take_signals()
        try:
            self._thread_id = threading.get_ident()
            sys.set_asyncgen_hooks(firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook)
            events._set_running_loop(self)
            self._drive(self._selector.fileno())
        finally:
            self._stopping = False
            self._thread_id = None
            events._set_running_loop(None)
            self._set_coroutine_origin_tracking(False)
            sys.set_asyncgen_hooks(*hooks)
            if owns_signals:
                self._give_signals_back()

    def close(self) -> None:
        """Close the loop: drop what is scheduled, and the server's tasks with their connections."""
        if self.is_running():
            raise RuntimeError("Cannot close a running event loop")
        if self.is_closed():
            return
        self._tear_down()
        self._listening.clear()
        if threading.current_thread() is threading.main_thread():
            # asyncio closes its end of the pipe before it removes its signal handlers: a signal between the two
            # would be reported as a failed write to the descriptor.
            self._forget_descriptor()
        super().close()
        self._discard()

    def remove_signal_handler(self, sig: int) -> bool:
        """Remove the handler of `sig`; return whether there was one."""
        removed = super().remove_signal_handler(sig)
        if self.is_running() and not self._signal_handlers:
            # asyncio gave the wake-up descriptor up, but a plain `signal.signal` handler needs it as well.
            self._take_signals()
        return removed

    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        """Call `func(*args)` on a thread of `executor`, by default of the loop's own; return the future of it."""
        threads = self._default_executor
        if executor is not None or self._debug or not (threads is None or type(threads) is Threads):
            return super().run_in_executor(executor, func, *args)
        self._check_closed()
        self._check_default_executor()
        if threads is None:
            threads = self._default_executor = Threads()
        return threads.call(self, func, args)

    def _take_signals(self) -> bool:
        """Let a signal end the park, whichever thread it lands on; return whether its descriptor is this loop's."""
        if threading.current_thread() is not threading.main_thread():
            return False
        try:
            previous = signal.set_wakeup_fd(self._csock.fileno(), warn_on_full_buffer=False)
        except ValueError:  # not the main interpreter
            return False
        if previous in (-1, self._csock.fileno()):
            return True
        signal.set_wakeup_fd(previous)
        return False

    def _give_signals_back(self) -> None:
        """Undo `_take_signals`, unless asyncio's own signal handlers still need the descriptor."""
        if not self._signal_handlers:
            self._forget_descriptor()

    def _forget_descriptor(self) -> None:
        """Give the wake-up descriptor up, if it is this loop's."""
        current = signal.set_wakeup_fd(-1)
        if current not in (-1, self._csock.fileno()):
            signal.set_wakeup_fd(current)

    def _make_socket_transport(
        self,
        sock: socket.socket,
        protocol: asyncio.BaseProtocol,
        waiter: Any = None,
        *,
        extra: Any = None,
        server: Any = None,
    ) -> SocketTransport:
        """Make the transport of a stream socket, plain or Unix."""
        if type(sock) is not socket.socket or sock.fileno() in self._transports:
            self._ensure_fd_no_transport(sock)
        return transport_of(self, sock, protocol, waiter, extra, server)

    def _make_ssl_transport(  # noqa: PLR0913 - asyncio's signature
        self,
        rawsock: socket.socket,
        protocol: asyncio.BaseProtocol,
        sslcontext: ssl.SSLContext,
        waiter: Any = None,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        extra: Any = None,
        server: Any = None,
        **timeouts: Any,
    ) -> Any:
        """Make the transport of a TLS connection: the standard library's TLS on a native transport."""
        self._ensure_fd_no_transport(rawsock)
        tls: Any = TlsProtocol(self, protocol, sslcontext, waiter, server_side, server_hostname, **timeouts)
        transport_of(self, rawsock, tls, None, extra, server)
        return tls._app_transport

    def _callback_failed(self, handle: Handle, error: BaseException) -> None:
        """Report what a callback raised, in asyncio's words."""
        context: dict[str, Any] = {
            "message": f"Exception in callback {self._describe_callback(handle)}",
            "exception": error,
            "handle": handle,
        }
        if handle._source_traceback:
            context["source_traceback"] = handle._source_traceback
        self.call_exception_handler(context)

    def _callback_was_slow(self, handle: Any, seconds: float) -> None:
        """Report a callback that took longer than `slow_callback_duration` (debug mode)."""
        owner = getattr(handle._callback, "__self__", None)
        what = repr(owner) if isinstance(owner, asyncio.Task) else str(handle)
        _base_events.logger.warning("Executing %s took %.3f seconds", what, seconds)

    def _describe_handle(self, handle: Handle) -> str:
        """The `repr` of a handle."""
        words = [type(handle).__name__]
        if handle.cancelled():
            words.append("cancelled")
        if isinstance(handle, TimerHandle):
            words.append(f"when={handle.when()}")
        if handle._callback is not None:
            words.append(self._describe_callback(handle))
        if handle._source_traceback:
            frame = handle._source_traceback[-1]
            words.append(f"created at {frame[0]}:{frame[1]}")
        return f"<{' '.join(words)}>"

    def _describe_callback(self, handle: Handle) -> str:
        describe: Any = format_helpers._format_callback_source
        if _HIDES_ARGUMENTS:
            return str(describe(handle._callback, handle._args, debug=self.get_debug()))
        return str(describe(handle._callback, handle._args))


def new_event_loop() -> EventLoop:
    """Make an event loop: `asyncio.Runner(loop_factory=new_event_loop)`."""
    return EventLoop()


def run(main: Coroutine[Any, Any, _T], *, debug: bool | None = None) -> _T:
    """Run a coroutine to its end on a new loop and return its result, as `asyncio.run` does."""
    if asyncio._get_running_loop() is not None:
        raise RuntimeError("covet.loop.run() cannot be called from a running event loop")
    with asyncio.Runner(debug=debug, loop_factory=new_event_loop) as runner:
        return runner.run(main)
