"""A server inside what other programs run: asynchronous tests, a notebook."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire.server_process import PATIENCE

UNDER = Path(__file__).parent / "under_pytest"


def test_in_asynchronous_tests() -> None:
    words = [sys.executable, "-m", "pytest", "-c", str(UNDER / "pytest.ini"), str(UNDER), "-p", "no:cacheprovider"]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE * 2, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " 4 passed" in ran.stdout


class Notebook:
    """A Jupyter kernel of its own process; cells run one after another on its running event loop."""

    def __init__(self, folder: Path) -> None:
        from jupyter_client.manager import KernelManager

        self._manager = KernelManager(connection_file=str(folder / "kernel.json"))
        assert self._manager.kernel_spec is not None
        self._manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self._manager.start_kernel()
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE)

    def cell(self, code: str) -> str:
        """What a cell prints; what it raises fails the test."""
        printed: list[str] = []

        def take(message: dict[str, dict[str, str]]) -> None:
            printed.append(message["content"].get("text", ""))

        reply = self._client.execute_interactive(code, timeout=PATIENCE, output_hook=take)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(printed).strip()

    def end(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    made = Notebook(tmp_path)
    yield made
    made.end()


@pytest.mark.filterwarnings("default")  # its client library's own
def test_in_a_notebook(notebook: Notebook) -> None:
    notebook.cell(
        """
        import asyncio, urllib.request
        from covet import Covet, Server

        app = Covet()

        @app.get("/")
        async def hello() -> str:
            await asyncio.sleep(0.001)
            return greeting

        def fetch():
            return urllib.request.urlopen(server.url).read().decode()

        greeting = "hello"
        server = Server(app, port=0)
        await server.__aenter__()
        """
    )
    assert "StockAttachment" in notebook.cell("print(asyncio.get_running_loop()._covet_driver)")
    assert notebook.cell("print(await asyncio.to_thread(fetch))") == "hello"
    notebook.cell("greeting = 'changed in another cell'")
    assert notebook.cell("print(await asyncio.to_thread(fetch))") == "changed in another cell"
    assert "refused" in notebook.cell(
        """
        await server.__aexit__(None, None, None)
        try:
            await asyncio.to_thread(fetch)
        except OSError as error:
            print(error)
        """
    )
    assert (
        notebook.cell(
            """
            with Server(app, port=0).thread() as server:
                print(fetch())
            """
        )
        == "changed in another cell"
    )
