"""A selector for the loop made of any other: the descriptor to sleep on that poll and select do not have.

The loop's thread sleeps on a descriptor, which epoll and kqueue are. Of any other selector the registrations are
kept a second time, in one that has a descriptor; that one says when to look, the other what is there.
"""

from collections.abc import Mapping
from selectors import BaseSelector, DefaultSelector, SelectorKey
from typing import Any

__all__ = ["Mirror"]


class Mirror(BaseSelector):
    """A selector without a descriptor, and its registrations in one that has one."""

    def __init__(self, selector: BaseSelector) -> None:
        """Take `selector` over, with what is registered there."""
        self._selector = selector
        self._bell = DefaultSelector()
        for key in selector.get_map().values():
            self._bell.register(key.fd, key.events)

    def fileno(self) -> int:
        """The descriptor that is readable when something registered is ready."""
        return self._bell.fileno()

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """Watch a file; refused where either selector refuses it."""
        key = self._selector.register(fileobj, events, data)
        try:
            self._bell.register(key.fd, events)
        except BaseException:
            self._selector.unregister(fileobj)
            raise
        return key

    def unregister(self, fileobj: Any) -> SelectorKey:
        """Stop watching a file."""
        key = self._selector.unregister(fileobj)
        self._bell.unregister(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """Watch a file for something else."""
        key = self._selector.modify(fileobj, events, data)
        self._bell.modify(key.fd, events)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """What is ready, by the selector that was given."""
        return self._selector.select(timeout)

    def get_map(self) -> Mapping[Any, SelectorKey]:
        """What is registered."""
        return self._selector.get_map()

    def close(self) -> None:
        """Close both."""
        self._bell.close()
        self._selector.close()
