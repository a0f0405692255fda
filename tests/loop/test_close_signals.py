"""Closing a loop that handled signals leaves no wake-up descriptor behind."""

import asyncio
import signal

from covet.loop import EventLoop


class Watching(EventLoop):
    """Notes the wake-up descriptor at the moment that asyncio's own close begins to take the pipe down."""

    at_close: int | None = None

    def _close_self_pipe(self) -> None:
        self.at_close = signal.set_wakeup_fd(-1)
        super()._close_self_pipe()  # type: ignore[misc]


def test_the_descriptor_is_given_up_before_its_pipe_is_closed() -> None:
    loop = Watching()

    async def handle() -> None:
        loop.add_signal_handler(signal.SIGUSR1, lambda: None)
        await asyncio.sleep(0)

    loop.run_until_complete(handle())
    loop.close()
    assert loop.at_close == -1
    assert signal.set_wakeup_fd(-1) == -1
