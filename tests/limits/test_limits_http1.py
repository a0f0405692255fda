"""Each limit of connections and HTTP/1.1, one below, at, and one above it, over sockets and set by its flag."""

import contextlib
import itertools
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tests.wire.answers import Answer
from tests.wire.connection import Connection, EndedError, ask, chunked, request
from tests.wire.server_process import PATIENCE, ServerProcess, running

HOST = "Host: localhost\r\n"
CHUNKED = (("Transfer-Encoding", "chunked"),)

SIZES = {
    "--max-target": 100,
    "--max-head": 300,
    "--max-fields": 8,
    "--max-body": 1000,
    "--max-chunk-extensions": 60,
    "--max-trailers": 80,
    "--max-trailer-fields": 4,
    "--max-query-fields": 5,
}


def flags(settings: dict[str, object]) -> list[str]:
    return ["--workers", "0", *itertools.chain.from_iterable((flag, str(value)) for flag, value in settings.items())]


@pytest.fixture(scope="module")
def small() -> Iterator[ServerProcess]:
    """A server whose sizes are all small."""
    with running("examples.echo:main", *flags(dict(SIZES))) as server:
        yield server


def target(size: int) -> bytes:
    return request("GET", "/" + "a" * (size - 1))


def escaped_target(size: int) -> bytes:
    return request("GET", "/" + "a" * (size - 4) + "%41")


def fields_of(size: int) -> bytes:
    value = "v" * (size - len(HOST) - len("X: \r\n"))
    return request("GET", "/", (("X", value),))


def fields(count: int) -> bytes:
    return request("GET", "/", (("X", "v"),) * (count - 1))


def body(size: int) -> bytes:
    return request("POST", "/", body=b"b" * size)


def one_chunk(size: int) -> bytes:
    return chunked("/", [b"b" * size])


def small_chunks(size: int) -> bytes:
    return chunked("/", [b"b"] * size)


def extension(size: int) -> bytes:
    return chunked("/", [b"b"], extension=b";" + b"e" * (size - 1))


def trailers_of(size: int) -> bytes:
    return chunked("/", [b"b"], trailers=b"X:" + b"v" * (size - 4) + b"\r\n")


def trailers(count: int) -> bytes:
    return chunked("/", [b"b"], trailers=b"X: v\r\n" * count)


AROUND = {
    "target": ("--max-target", target, 414),
    "target with an escape": ("--max-target", escaped_target, 414),
    "all fields": ("--max-head", fields_of, 431),
    "number of fields": ("--max-fields", fields, 431),
    "body by its length": ("--max-body", body, 413),
    "body in one chunk": ("--max-body", one_chunk, 413),
    "body in small chunks": ("--max-body", small_chunks, 413),
    "chunk extension": ("--max-chunk-extensions", extension, 400),
    "trailers": ("--max-trailers", trailers_of, 431),
    "number of trailers": ("--max-trailer-fields", trailers, 431),
}


@pytest.mark.parametrize("name", AROUND)
def test_size(small: ServerProcess, name: str) -> None:
    flag, make, over = AROUND[name]
    limit = SIZES[flag]
    for size in (limit - 1, limit):
        with Connection(small.port) as connection:
            connection.send(make(size))
            answer = connection.next_answer()
            assert (answer.status, answer.closes) == (200, False), size
            assert connection.ask("GET", "/after").status == 200, "the connection goes on"
    with Connection(small.port) as connection:
        connection.send(make(limit + 1))
        answer = connection.next_answer()
        assert (answer.status, answer.closes) == (over, True)
        assert answer.problem()["title"]
        assert connection.rest() == b"", "one answer and the end"


def test_chunk_extensions_count_together(small: ServerProcess) -> None:
    each = b";eeeeeeeee"
    limit = SIZES["--max-chunk-extensions"] // len(each)
    for count, status in ((limit - 1, 200), (limit, 200), (limit + 1, 400)):
        with Connection(small.port) as connection:
            connection.send(chunked("/", [b"b"] * count, extension=each))
            assert connection.next_answer().status == status, count


def test_body_over_its_limit_is_refused_before_it_is_sent(small: ServerProcess) -> None:
    for length in (SIZES["--max-body"] + 1, 10**15):
        with Connection(small.port) as connection:
            connection.send(f"POST / HTTP/1.1\r\n{HOST}Content-Length: {length}\r\n\r\n".encode())
            assert connection.next_answer().status == 413
            assert connection.rest() == b""


def test_body_over_its_limit_gets_no_leave_to_be_sent(small: ServerProcess) -> None:
    with Connection(small.port) as connection:
        head = f"POST / HTTP/1.1\r\n{HOST}Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n"
        connection.send(head.encode())
        assert connection.next_answer().status == 413


def test_chunk_over_the_limit_is_refused_at_its_size(small: ServerProcess) -> None:
    with Connection(small.port) as connection:
        connection.send(request("POST", "/", CHUNKED) + b"3e9\r\n")
        assert connection.next_answer().status == 413


def test_refusal_can_be_read_by_a_client_that_goes_on_sending(small: ServerProcess) -> None:
    with Connection(small.port) as connection:
        connection.send(f"POST / HTTP/1.1\r\n{HOST}Content-Length: 1000000\r\n\r\n".encode())
        for _ in range(20):
            connection.send(b"b" * 50_000)
        assert connection.next_answer().status == 413
        assert connection.rest() == b""


def test_query_fields() -> None:
    limit = SIZES["--max-query-fields"]
    with running("tests.wire.app:main", *flags({"--max-query-fields": limit})) as server:
        for count, status in ((limit - 1, 200), (limit, 200), (limit + 1, 400)):
            answer = ask(server.port, "GET", "/query/all?" + "&".join(["item=1"] * count))
            assert answer.status == status, count


@pytest.fixture(scope="module")
def hasty() -> Iterator[ServerProcess]:
    """A server whose time-outs are all short."""
    settings = {"--head-timeout": 0.4, "--body-timeout": 0.4, "--keep-alive": 0.4}
    with running("examples.echo:main", *flags(dict(settings))) as server:
        yield server


UNFINISHED = {
    "request line": b"GE",
    "field": b"GET / HTTP/1.1\r\nHost: local",
    "last line": b"GET / HTTP/1.1\r\nHost: localhost\r\n",
    "body": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhell",
    "no body": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n",
    "chunk": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell",
    "last chunk": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
}


@pytest.mark.parametrize("name", UNFINISHED)
def test_unfinished_request_is_ended(hasty: ServerProcess, name: str) -> None:
    with Connection(hasty.port) as connection:
        connection.send(UNFINISHED[name])
        answer = connection.next_answer()
        assert (answer.status, answer.closes) == (408, True)
        assert connection.rest() == b""


def dripped(connection: Connection, data: Callable[[], bytes], patience: float) -> Answer:
    """Send without end, one piece whenever nothing has come for `patience` seconds, until an answer comes."""
    connection.socket.settimeout(patience)
    for _ in range(200):
        try:
            return connection.next_answer()
        except TimeoutError:
            connection.send(data())
    raise AssertionError("no answer to a request that never ends")


def test_head_that_drips_is_ended_all_the_same(hasty: ServerProcess) -> None:
    with Connection(hasty.port) as connection:
        connection.send(b"GET / HTTP/1.1\r\n")
        assert dripped(connection, lambda: b"X", 0.05).status == 408


def test_body_that_keeps_coming_is_read_on(hasty: ServerProcess) -> None:
    pieces = 12
    with Connection(hasty.port) as connection:
        connection.send(f"POST / HTTP/1.1\r\n{HOST}Content-Length: {pieces}\r\n\r\n".encode())
        answer = dripped(connection, lambda: b"b", 0.1)
        assert (answer.status, answer.body) == (200, b"b" * pieces), "longer than the time-out, never idle so long"


def test_body_below_the_slowest_rate() -> None:
    settings = {"--body-min-rate": 1000, "--body-rate-grace": 0.3, "--body-timeout": 30}
    with running("examples.echo:main", *flags(dict(settings))) as server, Connection(server.port) as connection:
        connection.send(f"POST / HTTP/1.1\r\n{HOST}Content-Length: 1000000\r\n\r\n".encode())
        assert dripped(connection, lambda: b"b", 0.02).status == 408
        with Connection(server.port) as other:
            other.send(f"POST / HTTP/1.1\r\n{HOST}Content-Length: 20000\r\n\r\n".encode())
            answer = dripped(other, lambda: b"b" * 1000, 0.03)
            assert (answer.status, len(answer.body)) == (200, 20000), "fast enough"


def test_idle_connection_is_closed_without_a_word(hasty: ServerProcess) -> None:
    with Connection(hasty.port) as connection:
        assert connection.ask("GET", "/").status == 200
        assert connection.rest() == b""


def test_connection_that_says_nothing_is_closed_without_a_word(hasty: ServerProcess) -> None:
    with Connection(hasty.port) as connection:
        assert connection.rest() == b""


def test_old_connection_is_told_to_close() -> None:
    old = flags({"--connection-max-age": 0.3})
    with running("examples.echo:main", *old) as server, Connection(server.port) as connection:
        answers = [connection.ask("GET", "/")]
        assert not answers[0].closes
        while not answers[-1].closes:
            answers.append(connection.ask("GET", "/"))
        assert {answer.status for answer in answers} == {200}
        assert connection.rest() == b""


def test_connections() -> None:
    limit = 4
    with running("examples.echo:main", *flags({"--max-connections": limit})) as server:
        kept = [Connection(server.port) for _ in range(limit)]
        assert [connection.ask("GET", "/").status for connection in kept] == [200] * limit
        with Connection(server.port) as refused:
            answer = refused.next_answer()
            assert (answer.status, answer.closes, answer.get("retry-after")) == (503, True, "1")
            assert answer.problem()
            assert refused.rest() == b""
        server.wait_for(
            rf"WARNING covet\.server: too many connections: 1 turned away since .* \(max_connections is {limit}\)\n"
        )
        kept.pop().socket.close()
        assert ask_until_let_in(server.port).status == 200, "there is room again"
        for connection in kept:
            assert connection.ask("GET", "/").status == 200, "who was in stays in"
            connection.socket.close()
        server.stop()
        assert server.log.count("too many connections") == 1, "once a minute"


def ask_until_let_in(port: int) -> Answer:
    """The first answer that is no 503: the server learns of a closed connection in a turn of its own."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with Connection(port) as connection:
            try:
                answer = connection.ask("GET", "/quick")
            except (EndedError, OSError):
                continue
            if answer.status != 503:
                return answer
    raise AssertionError("never let in")


def whole_answers(connection: Connection) -> list[Answer]:
    """What can be read before the connection ends."""
    answers = []
    with contextlib.suppress(EndedError, OSError):
        while True:
            answers.append(connection.next_answer())
    return answers


def test_answer_that_nobody_reads_is_given_up() -> None:
    settings = flags({"--write-timeout": 0.3, "--max-connections": 1})
    with running("tests.wire.app:main", *settings) as server, Connection(server.port) as lazy:
        count = 20
        lazy.send(request("GET", "/answers/large") * count)
        assert ask_until_let_in(server.port).status == 200, "its place is free again"
        assert len(whole_answers(lazy)) < count


def test_client_that_shut_its_sending_side() -> None:
    with running("tests.wire.app:main", *flags({}), "--half-close") as server, Connection(server.port) as connection:
        connection.send(request("GET", "/suspends"))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.next_answer().status == 200
        assert connection.rest() == b""
    with running("tests.wire.app:main", *flags({})) as server, Connection(server.port) as connection:
        connection.send(request("GET", "/wait/gone"))
        assert ask(server.port, "GET", "/started/gone").status == 204
        connection.socket.shutdown(socket.SHUT_WR)
        assert ask(server.port, "GET", "/ended/gone").body == b"cancelled", "without the setting it is gone"


@pytest.mark.parametrize("together", [1, 3, 32])
def test_pipelined_requests_are_all_answered_in_order(together: int) -> None:
    count = 500
    settings = {"--max-pipelined": together, "--max-unsent": 1000}
    with running("examples.echo:main", *flags(dict(settings))) as server, Connection(server.port) as connection:
        connection.send(b"".join(request("POST", "/", body=b"%d" % number) for number in range(count)))
        assert [connection.next_answer().body for _ in range(count)] == [b"%d" % number for number in range(count)]


def sent_without_reading(connection: Connection, data: bytes, most: int) -> int:
    """How many times `data` could be sent before the server took no more."""
    for count in range(most):
        try:
            connection.send(data)
        except TimeoutError:
            return count
    return most


def test_reading_pauses_while_answers_are_unread() -> None:
    body = b"b" * 100_000
    with running("examples.echo:main", *flags({"--max-unsent": 1000})) as server, Connection(server.port) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.socket.settimeout(0.5)
        assert sent_without_reading(connection, request("POST", "/", body=body), 2000) < 500, (
            "a client that does not read may not make the server keep its answers"
        )
        assert ask(server.port, "GET", "/").status == 200


def test_requests_under_way_outlive_the_signal() -> None:
    with (
        running("tests.wire.app:main", *flags({})) as server,
        Connection(server.port) as waiting,
        Connection(server.port) as busy,
        Connection(server.port) as idle,
    ):
        waiting.send(request("GET", "/wait/drain"))
        assert busy.ask("GET", "/started/drain").status == 204
        assert idle.ask("GET", "/quick").status == 200
        server.signal(signal.SIGTERM)
        while not busy.ask("GET", "/quick").closes:
            pass  # the signal is on its way
        assert idle.ask("GET", "/release/drain").closes, "its request may have been on its way too"
        answer = waiting.next_answer()
        assert (answer.status, answer.body, answer.closes) == (200, b"released", True)
        assert server.end() == 0
        with pytest.raises(ConnectionRefusedError):
            Connection(server.port)


def test_drain_deadline_aborts_what_is_left() -> None:
    short = flags({"--drain-timeout": 0.3})
    with running("tests.wire.app:main", *short) as server, Connection(server.port) as connection:
        connection.send(request("GET", "/wait/forever"))
        assert ask(server.port, "GET", "/started/forever").status == 204
        server.signal(signal.SIGTERM)
        assert server.end() == 0
        assert connection.rest() == b""
