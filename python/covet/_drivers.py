"""What drives the engine on an event loop that is not covet's.

A stock asyncio loop waits in the `select` of its selector; there the engine runs instead, and with it whatever the
loop's scheduling methods are given, for as long as the loop has a server. Any other loop watches the engine's
descriptor and lets it run for a moment at a time. Knows event loops; nothing of servers.
"""

import asyncio
import contextlib
import importlib
import selectors
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, cast

from covet._native import GuestDriver, StockDriver
from covet.errors import ConfigurationError
from covet.loop import EventLoop

_REPLACED: Final = (
    "call_soon",
    "call_soon_threadsafe",
    "call_later",
    "call_at",
    "_add_callback",
    "_add_callback_signalsafe",
)
_STOCK: Final = (*_REPLACED, "time", "stop", "set_debug", "_process_events", "_run_once")
"""Methods that must be the standard library's own for the engine to stand in for what they do."""


_MOMENT: Final = 0.01
"""Seconds between looks at the engine's timers where a loop that is no host of theirs drives it."""
_REST: Final = 0.05
"""The same after a quiet second: the engine looks after its own deadlines no oftener."""


class Driver(Protocol):
    """What a server holds while it runs on a loop."""

    def release(self) -> None:
        """The server has ended."""


class _OwnLoop:
    """A loop of covet's drives the engine itself."""

    def release(self) -> None:
        """Nothing was taken."""


class _Loop(Protocol):
    """What is used of the standard library's loop beyond its documented face."""

    _selector: selectors.BaseSelector
    _ready: Any
    _scheduled: list[asyncio.TimerHandle]
    _stopping: bool
    _debug: bool
    _current_handle: object
    _check_thread: Callable[[], None]
    _check_callback: Callable[[object, str], None]
    _remove_reader: Callable[[object], bool]
    _remove_writer: Callable[[object], bool]
    _write_to_self: Callable[[], None]
    slow_callback_duration: float
    call_exception_handler: Callable[[dict[str, Any]], None]
    is_closed: Callable[[], bool]

    def set_debug(self, enabled: bool) -> None: ...


class _DrivenSelector(selectors.BaseSelector):
    """Stands in the place of a loop's selector: waiting runs the engine, the rest is the selector's own."""

    def __init__(self, inner: selectors.BaseSelector, driver: "_StockAttachment") -> None:
        self._inner = inner
        self._driver = driver

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Run the engine, and the callbacks of the loop, until the loop itself is needed."""
        self._driver.run(timeout)
        return []  # what the inner selector had was dealt with

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As the inner selector."""
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """As the inner selector."""
        return self._inner.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As the inner selector."""
        return self._inner.modify(fileobj, events, data)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """As the inner selector."""
        return self._inner.get_key(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """As the inner selector."""
        return self._inner.get_map()

    def fileno(self) -> int:
        """The inner selector's descriptor."""
        return cast("selectors.EpollSelector", self._inner).fileno()

    def close(self) -> None:
        """The loop is closed: drop the engine with its connections."""
        self._driver.close_with_loop()


class _StockAttachment(StockDriver):
    """Runs the engine inside the `select` of one stock loop; shared by the loop's servers."""

    def __init__(self, loop: asyncio.SelectorEventLoop) -> None:
        self._loop = cast("_Loop", loop)
        self._selector = self._loop._selector
        self._users = 0
        self._is_driven = False
        self._closed = False
        self._debug = self._loop._debug
        loop.__dict__.update({name: getattr(self, name) for name in _REPLACED})
        loop.__dict__["stop"] = self._stop_loop
        loop.__dict__["set_debug"] = self._set_loop_debug
        loop.__dict__["_covet_driver"] = self
        self._loop._selector = _DrivenSelector(self._selector, self)

    @classmethod
    def of(cls, loop: asyncio.SelectorEventLoop) -> "_StockAttachment":
        """The one of this loop."""
        known = loop.__dict__.get("_covet_driver")
        return known if isinstance(known, cls) else cls(loop)

    def hold(self) -> Driver:
        """For one more server."""
        self._users += 1
        return self

    def release(self) -> None:
        """For one server less; with the last one the loop gets back what was replaced."""
        self._users -= 1
        if self._users or self._closed:
            return
        if self._is_driven:
            self._finish()  # the end of the drive gives it back: the engine cannot be dropped inside itself
        else:
            self._hand_back()

    def run(self, timeout: float | None) -> None:
        """Run for at most `timeout` seconds, or until the loop itself is needed."""
        if self._is_driven:
            raise RuntimeError(
                "a callback ran the event loop again (as nest_asyncio does) while a Covet server is on it: "
                "start the server with `Server(app).thread()`, which has a loop of its own"
            )
        loop = self._loop
        if loop._ready:  # older than what is ready here, or scheduled past the methods that were replaced
            older = list(loop._ready)
            loop._ready.clear()
            self._put_first(older)
        self._debug = loop._debug
        if loop._stopping:
            self.stop()
        self._is_driven = True
        try:
            descriptor = cast("selectors.EpollSelector", self._selector).fileno()
            self._drive_within(descriptor, timeout, loop._ready, loop._scheduled)
        finally:
            self._is_driven = False
            if not self._users:
                self._hand_back()

    def close_with_loop(self) -> None:
        """Drop everything: the loop was closed with servers on it."""
        self._tear_down()  # its tasks may still schedule
        self._forget()
        self._closed = True
        self._discard()
        self._selector.close()

    def _hand_back(self) -> None:
        """Give the loop its own selector and methods back, and what is scheduled."""
        self._loop._selector = self._selector
        self._forget()
        self._leave()
        self._pass_on()
        self._tear_down()

    def _forget(self) -> None:
        for name in (*_REPLACED, "stop", "set_debug", "_covet_driver"):
            vars(self._loop).pop(name, None)

    def _pass_on(self) -> None:
        """Give what is scheduled here to the loop; also for somebody who kept a method of ours, from any thread."""
        ready, timers = self._take_all()
        loop = self._loop
        if loop.is_closed():
            return
        call_at: Any = type(loop).call_at  # type: ignore[attr-defined]
        for timer in sorted(timers, key=lambda timer: timer.when()):
            if not timer.cancelled():
                call_at(loop, timer.when(), timer._run)
        if ready:
            loop._ready.extend(ready)
            loop._write_to_self()

    def _stop_loop(self) -> None:
        """`loop.stop()`: seen by the drive and by the loop."""
        self._loop._stopping = True
        self.stop()

    def _set_loop_debug(self, enabled: bool) -> None:
        """`loop.set_debug()`, for callbacks scheduled here too."""
        type(self._loop).set_debug(self._loop, enabled)
        self._debug = enabled

    # What the native scheduler asks of its loop.

    def _check_thread(self) -> None:
        self._loop._check_thread()

    def _check_callback(self, callback: object, method: str) -> None:
        self._loop._check_callback(callback, method)

    def _remove_reader(self, fd: object) -> bool:
        return self._loop._remove_reader(fd)

    def _remove_writer(self, fd: object) -> bool:
        return self._loop._remove_writer(fd)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """As the loop."""
        self._loop.call_exception_handler(context)

    @property
    def slow_callback_duration(self) -> float:
        """As the loop."""
        return self._loop.slow_callback_duration

    @property
    def _current_handle(self) -> object:
        return self._loop._current_handle

    @_current_handle.setter
    def _current_handle(self, handle: object) -> None:
        self._loop._current_handle = handle

    _callback_failed: Any = EventLoop._callback_failed
    _callback_was_slow: Any = EventLoop._callback_was_slow
    _describe_handle: Any = EventLoop._describe_handle
    _describe_callback: Any = EventLoop._describe_callback


class _GuestAttachment(GuestDriver):
    """Runs the engine from the callbacks of a loop; shared by the loop's servers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        kind = f"{type(loop).__module__}.{type(loop).__qualname__}"
        self._loop = loop
        self._users = 0
        self._is_driven = False
        self._is_asked = False
        self._closed = False
        try:
            vars(loop)["_covet_driver"] = self
            self._descriptor = self._watched()
            loop.add_reader(self._descriptor, self._run)
        except (TypeError, NotImplementedError, OSError) as error:
            vars(loop).pop("_covet_driver", None) if hasattr(loop, "__dict__") else None
            raise ConfigurationError(
                f"the running event loop {kind} cannot drive the server ({error!r}): "
                "use `covet.loop.run(main())`, `asyncio.run(main())`, or `with Server(app).thread()`"
            ) from error
        self._visited = loop.time()
        self._alarm = loop.call_later(_MOMENT, self._look)

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> "_GuestAttachment":
        """The one of this loop."""
        known = getattr(loop, "_covet_driver", None)
        return known if isinstance(known, cls) else cls(loop)

    def hold(self) -> Driver:
        """For one more server."""
        self._users += 1
        return self

    def release(self) -> None:
        """For one server less; with the last one the loop is left."""
        self._users -= 1
        if not self._users and not self._is_driven:
            self._hand_back()

    def _run(self) -> None:
        """The engine has something to do."""
        self._is_asked = False
        self._visited = self._loop.time()
        self._come()

    def _look(self) -> None:
        """The engine's timers may have something to do."""
        if self._closed:
            return
        try:
            self._come()
        finally:  # also where a handler ended the program, whose loop may run again, as to drain
            if not self._closed:
                pause = _MOMENT if self._loop.time() - self._visited < 1 else _REST
                self._alarm = self._loop.call_later(pause, self._look)

    def _come(self) -> None:
        if self._is_driven or self._closed:
            return  # a callback runs the loop again: the drive that it is in goes on after it
        more = False
        self._is_driven = True
        try:
            more = self._visit()
        finally:
            self._is_driven = False
            if not self._users:
                self._hand_back()
        if more and not self._closed and not self._is_asked:
            self._is_asked = True
            self._loop.call_soon(self._run)

    def _hand_back(self) -> None:
        """Leave the loop."""
        if self._closed:
            return
        self._closed = True
        self._alarm.cancel()
        with contextlib.suppress(RuntimeError):  # the loop is closed and watches nothing
            self._loop.remove_reader(self._descriptor)
        vars(self._loop).pop("_covet_driver", None)
        self._leave()


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the event loop called `name`. One that is not installed: ConfigurationError."""
    if name == "covet":
        return EventLoop
    if name == "asyncio":
        return asyncio.SelectorEventLoop
    try:
        uvloop = importlib.import_module(name)
    except ImportError as error:
        raise ConfigurationError(f"the event loop {name} cannot be imported ({error}): `pip install {name}`") from None
    return cast("Callable[[], asyncio.AbstractEventLoop]", uvloop.new_event_loop)


def attach(loop: asyncio.AbstractEventLoop) -> Driver:
    """Have the engine driven on the running `loop`. On one that cannot: ConfigurationError."""
    if isinstance(loop, EventLoop):
        return _OwnLoop()
    if _is_stock(loop):
        return _StockAttachment.of(cast("asyncio.SelectorEventLoop", loop)).hold()
    return _GuestAttachment.of(loop).hold()


def _is_stock(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether `loop` is the standard library's, with nothing overridden that the engine stands in for."""
    if not isinstance(loop, asyncio.SelectorEventLoop):
        return False
    if isinstance(loop.__dict__.get("_covet_driver"), _StockAttachment):
        return True
    own = asyncio.SelectorEventLoop
    overridden = any(getattr(type(loop), name) is not getattr(own, name) or name in loop.__dict__ for name in _STOCK)
    return not overridden and hasattr(cast("_Loop", loop)._selector, "fileno")
