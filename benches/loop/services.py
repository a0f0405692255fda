"""What the workloads talk to: PostgreSQL and Redis on free ports, a certificate for localhost.

One that is not installed is left out, and what needs it is left out of the run. It must not know the workloads.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benches.http.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0
"""Seconds until a service must answer."""


def _postgres_program(name: str) -> str | None:
    """Debian keeps them out of PATH, by version."""
    packaged = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    return str(packaged[-1]) if packaged else shutil.which(name)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[dict[str, str]]:
    """A cluster of its own; as root it runs as the user `postgres`, because PostgreSQL refuses root."""
    initdb, server = _postgres_program("initdb"), _postgres_program("postgres")
    if not initdb or not server:
        yield {}
        return
    data, port, user = folder / "postgres", free_port(), None
    data.mkdir()
    if os.getuid() == 0:
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            yield {}
            return
        folder.chmod(0o755)
        os.chown(data, user.pw_uid, user.pw_gid)
    identity: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid} if user else {}
    made = [initdb, "-D", str(data), "-A", "trust", "-U", "bench", "--no-sync"]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd=data, **identity)
    command = [server, "-D", str(data), "-p", str(port), "-k", str(data), "-c", "listen_addresses=127.0.0.1"]
    log = (folder / "postgres.log").open("wb")
    with log, subprocess.Popen([*command, "-c", "fsync=off"], stdout=log, stderr=log, cwd=data, **identity) as process:
        try:
            _await_file(data / "postmaster.pid", "ready")
            yield {"COVET_BENCH_POSTGRES": f"postgresql://bench@127.0.0.1:{port}/postgres"}
        finally:
            _stop(process)


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[dict[str, str]]:
    server = shutil.which("redis-server")
    if not server:
        yield {}
        return
    port, log = free_port(), folder / "redis.log"
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen([*command, "--logfile", str(log)]) as process:
        try:
            _await_file(log, "Ready to accept connections")
            yield {"COVET_BENCH_REDIS": f"redis://127.0.0.1:{port}/0"}
        finally:
            _stop(process)


def _await_file(path: Path, words: str) -> None:
    """Wait until a service wrote that it is ready."""
    deadline = time.monotonic() + PATIENCE
    while not (path.exists() and words in path.read_text(errors="replace")):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path.name} does not say {words!r} after {PATIENCE} s")
        time.sleep(0.05)


def _certificate(folder: Path) -> dict[str, str]:
    """A key and its certificate for localhost in one file."""
    openssl, target = shutil.which("openssl"), folder / "localhost.pem"
    if not openssl:
        return {}
    key = folder / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command = [openssl, "req", "-x509", *curve, *subject, "-keyout", str(key), "-out", str(target)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    target.write_text(target.read_text() + key.read_text())
    return {"COVET_BENCH_CERTIFICATE": str(target)}


@contextlib.contextmanager
def services() -> Iterator[dict[str, str]]:
    """Variables of the environment that say where they are."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="covet-bench-")))
        found = _certificate(folder)
        found |= stack.enter_context(_postgres(folder))
        found |= stack.enter_context(_redis(folder))
        yield found
