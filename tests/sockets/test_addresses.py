"""Where a server listens: files with a mode, abstract names, inherited descriptors; how many workers; the backlog."""

import contextlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from covet import _cpus
from covet.listeners import listen, somaxconn
from tests.wire.connection import Connection, ask
from tests.wire.server_process import PATIENCE, ServerProcess, running

ECHO = "examples.echo:main"


def answer_at(address: str) -> bytes:
    """The start of an answer of a server at a Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(address)
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return client.recv(4096)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_file_with_a_mode(tmp_path: Path, workers: str) -> None:
    path = tmp_path / "app.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    with running(ECHO, "--workers", workers, "--uds", str(path), "--uds-mode", "620", port=None) as server:
        server.wait_for(rf"covet: serving unix:{re.escape(str(path))} ")
        assert stat.S_IMODE(path.stat().st_mode) == 0o620
        assert answer_at(str(path)).startswith(b"HTTP/1.1 200 ")
        second = ServerProcess(ECHO, "--uds", str(path), port=None)
        assert second.end() == 1
        assert second.log == f"covet: cannot listen on unix:{path}: socket in use\n"
        server.signal(signal.SIGHUP if workers != "0" else signal.SIGUSR1)
        server.stop()
    assert not path.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="no abstract sockets")
@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_abstract_name(workers: str) -> None:
    name = f"covet-test-{os.getpid()}-{workers}"
    with running(ECHO, "--workers", workers, "--uds", f"@{name}", port=None) as server:
        server.wait_for(rf"covet: serving unix:@{name} ")
        assert answer_at(f"\0{name}").startswith(b"HTTP/1.1 200 ")
        second = ServerProcess(ECHO, "--uds", f"@{name}", port=None)
        assert second.end() == 1
        assert second.log == f"covet: cannot listen on unix:@{name}: socket in use\n"
        server.stop()


def closes_on_exec(pid: int, fd: int) -> bool:
    """Whether no program that the process starts gets the descriptor; True where the system does not tell."""
    path = Path(f"/proc/{pid}/fdinfo/{fd}")
    if not path.exists():
        return True
    return bool(int(path.read_text().partition("flags:")[2].split()[0], 8) & os.O_CLOEXEC)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_inherited_descriptors(workers: str) -> None:
    """Several; they listen before and after."""
    first, second = listen(["127.0.0.1"], 0, 16)[0], listen(["127.0.0.1"], 0, 16)[0]
    fds = [first.fileno(), second.fileno()]
    with first, second:
        ports = [listener.getsockname()[1] for listener in (first, second)]
        flags = [word for fd in fds for word in ("--fd", str(fd))]
        with running(ECHO, "--workers", workers, *flags, port=None, pass_fds=fds) as server:
            for port in ports:
                assert ask(port, "GET", "/").status == 200
            for fd in fds:
                assert closes_on_exec(server.process.pid, fd), "what the application starts has it no more"
            server.stop()
        for port in ports:
            socket.create_connection(("127.0.0.1", port), 5).close()


def test_no_such_descriptor() -> None:
    server = ServerProcess(ECHO, "--fd", "77", port=None)
    assert server.end() == 1
    assert server.log == "covet: cannot listen on descriptor 77: Bad file descriptor\n"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not tell")
def test_as_many_workers_as_processors() -> None:
    one = {min(os.sched_getaffinity(0))}
    with running(ECHO, "--workers", "auto", preexec_fn=lambda: os.sched_setaffinity(0, one)) as server:
        server.wait_for(r"\(1 worker\)")
        server.stop()
    with running(ECHO, "--workers", "auto") as server:
        count = _cpus.count()
        server.wait_for(rf"\({count} workers?\)")
        assert len(server.workers()) == count
        server.stop()


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({}, 4),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 4),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "10000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "800000 100000\n"}, 4),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "300000 100000\n"}, 3),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
                "sys/fs/cgroup/a/cpu.max": "100000 100000\n",
            },
            1,
        ),
        (
            {
                "proc/self/cgroup": "5:cpu,cpuacct:/docker/abc\n0::/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        (
            {
                "proc/self/cgroup": "5:cpu:/x\n",
                "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
        ({"proc/self/cgroup": "5:memory:/x\n", "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "1\n"}, 4),
    ],
)
def test_processors_of_a_control_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], wanted: int
) -> None:
    monkeypatch.setattr(_cpus, "usable", lambda: [0, 1, 2, 3])
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert _cpus.count(str(tmp_path)) == wanted


@contextlib.contextmanager
def group_with_one_processor() -> Iterator[Path]:
    """A control group that gives one processor's worth of time; its list of processes. Not allowed: skips."""
    root = Path("/sys/fs/cgroup")
    is_v2 = (root / "cgroup.controllers").exists()
    folder = root / ("" if is_v2 else "cpu") / f"covet-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group to be had: {error.strerror}")
    try:
        quota = folder / ("cpu.max" if is_v2 else "cpu.cfs_quota_us")
        if not quota.exists():
            pytest.skip("the control group does not limit processors")
        quota.write_text("100000 100000" if is_v2 else "100000")
        yield folder / ("cgroup.procs" if is_v2 else "tasks")
    finally:
        folder.rmdir()


@pytest.mark.skipif(len(_cpus.usable()) < 2, reason="one processor is all there is")
def test_as_many_workers_as_a_real_group_allows() -> None:
    with group_with_one_processor() as processes:

        def enter() -> None:
            processes.write_text(str(os.getpid()))

        with running(ECHO, "--workers", "auto", preexec_fn=enter) as server:
            server.wait_for(r"\(1 worker\)")
            server.stop()


def test_a_backlog_that_the_system_cuts() -> None:
    most = somaxconn()
    if most is None:
        pytest.skip("the system does not tell")
    with running(ECHO, "--backlog", str(most)) as server:
        assert "somaxconn" not in server.log
        server.stop()
    with running(ECHO, "--backlog", str(most + 1)) as server:
        assert server.log.startswith(
            f"covet: backlog {most + 1} is more than net.core.somaxconn allows, which is {most}: "
            "raise that, or set --backlog lower\n"
        )
        server.stop()


def test_somaxconn_that_cannot_be_read(tmp_path: Path) -> None:
    assert somaxconn(str(tmp_path / "none")) is None
    (tmp_path / "odd").write_text("odd")
    assert somaxconn(str(tmp_path / "odd")) is None


UNSHARE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode != 0,
    reason="no process namespace to be had",
)
@pytest.mark.parametrize("workers", ["0", "2"])
def test_process_1_of_a_container(workers: str) -> None:
    """Takes the exits of orphans; drains at the signal; cannot hand over."""

    class Contained(ServerProcess):
        prefix = UNSHARE

    server = Contained("tests.faults.app:main", "--workers", workers)
    try:
        server.wait_until_serving()
        (first,) = server.workers()
        assert b"[2,1]" in ask(server.port, "GET", "/process").body or workers == "2"
        orphan = int(ask(server.port, "GET", "/orphan").body)
        inside = ["nsenter", "-t", str(first), "-p", "-m"]
        subprocess.run([*inside, "kill", "-KILL", str(orphan)], check=True)
        script = f"while [ -e /proc/{orphan} ]; do :; done"
        subprocess.run([*inside, "sh", "-c", script], check=True, timeout=PATIENCE)
        if workers != "0":
            os.kill(first, signal.SIGUSR2)
            server.wait_for("process 1 cannot be followed by another: use SIGHUP, which replaces the workers")
            os.kill(first, signal.SIGHUP)
            server.wait_for("covet: replaced\n")
        os.kill(first, signal.SIGTERM)
        assert server.end() == 0
    finally:
        server.kill()


def has_timer(port: int, client: int) -> bool:
    """Whether the server's end of a connection waits to probe it (proc_pid_net(5): the column `tr`)."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, _, timer, *_ = line.split()
        if (int(local.partition(":")[2], 16), int(remote.partition(":")[2], 16)) == (port, client):
            return timer.startswith("02")
    raise AssertionError("no such connection")


@pytest.mark.skipif(not os.path.exists("/proc/net/tcp"), reason="the system does not tell")
@pytest.mark.parametrize(("flags", "probed"), [((), True), (("--tcp-user-timeout", "none"), False)])
def test_quiet_connections_are_probed(flags: tuple[str, ...], probed: bool) -> None:  # noqa: FBT001 - a table's column
    with running(ECHO, *flags) as server, Connection(server.port) as connection:
        assert connection.ask("GET", "/").status == 200
        assert has_timer(server.port, connection.socket.getsockname()[1]) == probed
        server.stop()
