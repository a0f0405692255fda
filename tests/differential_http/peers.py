"""The servers that are compared: how each is built and started. Knows nothing of requests."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.wire.programs import free_port, nginx, program
from tests.wire.server_process import ROOT, running

HERE = Path(__file__).parent / "peers"
COVET_FLAGS = ("--workers", "0", "--half-close")


def _hyper() -> list[str]:
    """Built in its own folder, so that no other build is disturbed."""
    command = [
        "cargo", "build", "--release", "--locked", "--quiet", "--message-format=json", "--target-dir",
        str(ROOT / "target" / "hyper_echo"),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=HERE / "hyper_echo", check=True, stdout=subprocess.PIPE, text=True)
    built = [json.loads(line).get("executable") for line in done.stdout.splitlines()]
    return [next(path for path in built if path)]


def _go(folder: Path) -> list[str]:
    target = folder / "go_echo"
    subprocess.run([str(program("go")), "build", "-o", str(target), "."], cwd=HERE / "go_echo", check=True)
    return [str(target)]


@contextlib.contextmanager
def _started(command: list[str]) -> Iterator[int]:
    """A peer that prints its port."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextlib.contextmanager
def all_running(folder: Path) -> Iterator[dict[str, int]]:
    """CovetPy and the peers; their ports."""
    with contextlib.ExitStack() as stack:
        covet = stack.enter_context(running("tests.differential_http.app:main", *COVET_FLAGS))
        hyper = stack.enter_context(_started(_hyper()))
        go = stack.enter_context(_started(_go(folder)))
        port = free_port()
        text = (HERE / "nginx.conf").read_text()
        stack.enter_context(nginx(folder, port, text.format(folder=folder, port=port, backend=go)))
        yield {"covet": covet.port, "hyper": hyper, "go": go, "nginx": port}
        covet.stop()
        assert "Traceback" not in covet.log
        assert "panic" not in covet.log
