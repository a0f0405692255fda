"""A loop of covet for each test, and a clock for what must not take long."""

import asyncio
import contextlib
import pathlib
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest

from covet.loop import EventLoop, new_event_loop


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    made = new_event_loop()
    asyncio.set_event_loop(made)
    yield made
    asyncio.set_event_loop(None)
    made.close()


@pytest.fixture
def then_stop(loop: EventLoop) -> Callable[..., Callable[..., None]]:
    """Make a callback that calls a function and then stops the loop."""

    def make(function: Callable[..., object], *args: object) -> Callable[..., None]:
        def call(*_: object) -> None:
            function(*args)
            loop.stop()

        return call

    return make


@pytest.fixture
def reports(loop: EventLoop) -> list[dict[str, object]]:
    """What reached the loop's exception handler."""
    seen: list[dict[str, object]] = []
    loop.set_exception_handler(lambda _, context: seen.append(context))
    return seen


@pytest.fixture
def restored_signals() -> Iterator[None]:
    """Put the handlers of the signals that tests use back."""
    used = [signal.SIGINT, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2]
    before = [signal.getsignal(number) for number in used]
    yield
    for number, handler in zip(used, before, strict=True):
        signal.signal(number, handler)
    with contextlib.suppress(ValueError):
        assert signal.set_wakeup_fd(-1) == -1, "a run left the wake-up descriptor set"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Certificate and key for localhost in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate, and it is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    made, key = folder / "localhost.pem", folder / "key.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = [openssl, "req", "-x509", *curve, *subject, "-keyout", str(key), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    made.write_text(made.read_text() + key.read_text())
    return made
