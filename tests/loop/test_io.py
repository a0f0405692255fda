"""The standard library's transports, servers and subprocesses on the loop."""

import asyncio
import contextlib
import pathlib
import socket
import ssl
import sys

import pytest

from covet.loop import EventLoop, run


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> bytes:
    writer.write(message)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def test_streams_echo_a_megabyte_on_many_connections() -> None:
    message = b"0123456789abcdef" * 65_536

    async def main() -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()
            streams = await asyncio.gather(*[asyncio.open_connection(host, port) for _ in range(8)])
            answers = await asyncio.gather(*[talk(*stream, message) for stream in streams])
        assert answers == [message] * 8

    run(main())


def test_unix_streams(tmp_path: pathlib.Path) -> None:
    async def main() -> bytes:
        async with await asyncio.start_unix_server(echo, tmp_path / "socket"):
            return await talk(*await asyncio.open_unix_connection(tmp_path / "socket"), b"hello")

    assert run(main()) == b"hello"


def test_sock_methods_and_datagrams() -> None:
    class Datagrams(asyncio.DatagramProtocol):
        def __init__(self, got: asyncio.Future[bytes]) -> None:
            self.got = got

        def datagram_received(self, data: bytes, addr: object) -> None:
            self.got.set_result(data)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            theirs.setblocking(False)
            received = asyncio.create_task(loop.sock_recv(ours, 10))
            await asyncio.sleep(0)
            await loop.sock_sendall(theirs, b"hello")
            assert await received == b"hello"
        got: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(lambda: Datagrams(got), local_addr=("127.0.0.1", 0))
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            sender.sendto(b"datagram", transport.get_extra_info("sockname"))
            assert await got == b"datagram"
        transport.close()

    run(main())


def test_a_refused_connection_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()

    async def main() -> None:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)

    run(main())


def test_a_tls_handshake_that_fails_is_an_error() -> None:
    async def main() -> None:
        ended = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                await echo(reader, writer)
            writer.close()
            ended.set()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection(*server.sockets[0].getsockname(), ssl=True, server_hostname="localhost")
            # Before 3.12 leaving the server does not wait for its connections.
            await ended.wait()

    run(main())


def test_a_subprocess_talks_and_exits() -> None:
    async def main() -> None:
        code = "import sys; print(sys.stdin.read().upper()); sys.exit(3)"
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdin=pipe, stdout=pipe)
        out, _ = await process.communicate(b"hello")
        assert (out, process.returncode) == (b"HELLO\n", 3)

    run(main())


def test_a_subprocess_is_killed() -> None:
    async def main() -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
        process.kill()
        assert await process.wait() == -9

    run(main())


def test_an_executor_left_with_work_is_waited_for() -> None:
    done: list[int] = []

    async def main() -> None:
        asyncio.get_running_loop().run_in_executor(None, done.append, 1)

    run(main())
    assert done == [1]


def test_accepting_goes_on_after_a_protocol_failed(loop: EventLoop, reports: list[dict[str, object]]) -> None:
    class Fails(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            raise ValueError

    async def main() -> None:
        server = await loop.create_server(Fails, "127.0.0.1", 0)
        async with server:
            for _ in range(2):
                reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                writer.write(b"x")
                assert await reader.read() == b""
                writer.close()

    loop.run_until_complete(main())
    assert [report["message"] for report in reports] == ["Fatal error: protocol.data_received() call failed."] * 2
