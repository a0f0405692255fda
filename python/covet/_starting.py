"""One application's start on one event loop: its lifespan, then its engine. What all threads of a worker share.

Knows nothing of signals, threads or processes.
"""

import contextlib
import logging
import traceback
from collections.abc import AsyncIterator, Sequence

from covet._serving import Serving
from covet.app import Covet
from covet.lifespan import around


class FailedStart(Exception):
    """The application cannot be served; the text is for the person who started it."""


@contextlib.asynccontextmanager
async def started(app: Covet, serving: Serving, listeners: Sequence[int]) -> AsyncIterator[None]:
    """The lifespan around; inside it connections are accepted. Not startable: FailedStart."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(around(app.lifespan, app))
        except Exception as error:
            raise FailedStart(_one_line("the lifespan failed to start", error)) from error
        try:
            serving.start(list(listeners))
        except OSError as error:
            raise FailedStart(_one_line("cannot serve", error)) from error
        yield


def _one_line(what: str, error: Exception) -> str:
    """An exception with the innermost place of it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name})" if frames else ""
    logging.getLogger("covet.server").debug(what, exc_info=error)
    return f"{what}: {''.join(traceback.format_exception_only(error)).strip()}{place}"
