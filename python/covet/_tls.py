"""The standard library's TLS protocol with its two frequent paths made short.

What is different: it reads record by record, and where nothing is left it stops, instead of asking OpenSSL for the
exception that says so; it writes without a list of pieces where none waits. Everything else, handshake, shutdown,
flow control, is `asyncio.sslproto`'s.
"""

from asyncio import sslproto
from typing import Any

__all__ = ["TlsProtocol"]

_stdlib: Any = sslproto
_WRAPPED = _stdlib.SSLProtocolState.WRAPPED
_AGAIN = _stdlib.SSLAgainErrors
_RECORD = 16 * 1024
"""The most that one record holds: OpenSSL returns no more at once."""


class TlsProtocol(_stdlib.SSLProtocol):  # type: ignore[misc]
    """What lies between a transport and the protocol of a TLS connection."""

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Where the transport is to put what it reads."""
        view: memoryview = self._ssl_buffer_view
        return view

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes of the network came."""
        if self._state is not _WRAPPED or self._app_reading_paused or self._app_protocol_is_buffer:
            super().buffer_updated(nbytes)
            return
        self._incoming.write(self._ssl_buffer_view[:nbytes])
        try:
            self._do_read__copied()
            if self._write_backlog:
                self._do_write()
            elif self._outgoing.pending:
                self._process_outgoing()
            if self._ssl_reading_paused or self._incoming.pending:
                self._control_ssl_reading()
        except Exception as error:
            self._fatal_error(error, "Fatal error on SSL protocol")

    def _do_read__copied(self) -> None:
        # The object of `_ssl` itself: `ssl.SSLObject` passes everything on.
        connection, incoming = self._sslobj._sslobj, self._incoming
        data, more, ended = b"", None, False
        try:
            while True:
                chunk = connection.read(_RECORD)
                if not chunk:
                    ended = True
                    break
                if not data:
                    data = chunk
                elif more is None:
                    more = [data, chunk]
                else:
                    more.append(chunk)
                if not incoming.pending and not connection.pending():
                    break
        except _AGAIN:
            pass
        if data:
            self._app_protocol.data_received(data if more is None else b"".join(more))
        if ended:
            self._call_eof_received()
            self._start_shutdown()

    def _write_appdata(self, list_of_data: Any) -> None:
        if self._state is not _WRAPPED or self._write_backlog or len(list_of_data) != 1:
            super()._write_appdata(list_of_data)
            return
        (data,) = list_of_data
        outgoing = self._outgoing
        try:
            try:
                done = self._sslobj._sslobj.write(data)
            except _AGAIN:
                done = 0
            if done < len(data):
                self._write_rest(data, done)
            elif outgoing.pending < self._outgoing_high_water and not self._ssl_writing_paused:
                self._transport.write(outgoing.read())
                if self._app_writing_paused:
                    self._control_app_writing()
            else:
                self._process_outgoing()
        except Exception as error:
            self._fatal_error(error, "Fatal error on SSL protocol")

    def _write_rest(self, data: Any, done: int) -> None:
        """What OpenSSL does not take at once waits as it does in the standard library."""
        # A copy: the caller may change what it gave.
        rest = memoryview(bytes(data))[done:]
        self._write_backlog.append(rest)
        self._write_buffer_size += len(rest)
        self._do_write()
