"""A request's header is bounded in size and time, also where uvicorn reads it with httptools, which bounds neither.

Streamlit starts uvicorn and offers no setting for this, so what reads connections is bounded in place. Where h11 reads
them, its own bound of 64 KiB holds, and only the time is ours.
"""

from __future__ import annotations

import asyncio
from functools import cache

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_BYTES = 64 * 1024
LONGEST_S = 20.0  # from the connection to the end of its first header


@cache
def bound() -> None:
    """Bound every connection from now on."""
    _bound_time(H11Protocol)
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return
    _bound_time(HttpToolsProtocol)
    _bound_size(HttpToolsProtocol)


def _bound_time(protocol: type) -> None:
    made = protocol.connection_made

    def connection_made(self, transport: asyncio.Transport) -> None:
        made(self, transport)
        asyncio.get_running_loop().call_later(LONGEST_S, _close_silent, self, transport)

    protocol.connection_made = connection_made


def _close_silent(connection, transport: asyncio.Transport) -> None:
    """Close what has asked for nothing by now; a connection that became a socket has another protocol."""
    if connection.cycle is None and transport.get_protocol() is connection and not transport.is_closing():
        transport.close()


def _bound_size(protocol: type) -> None:
    received, begun, completed = protocol.data_received, protocol.on_message_begin, protocol.on_headers_complete

    def data_received(self, data: bytes) -> None:
        self.header_bytes = getattr(self, "header_bytes", 0) + len(data)
        reads_header = getattr(self, "reads_header", True)
        if reads_header and self.header_bytes > MOST_BYTES + len(data):  # what was read before, without an end
            self.transport.close()
            return
        received(self, data)

    def on_message_begin(self) -> None:
        self.reads_header, self.header_bytes = True, 0
        begun(self)

    def on_headers_complete(self) -> None:
        self.reads_header = False
        completed(self)

    protocol.data_received, protocol.on_message_begin = data_received, on_message_begin
    protocol.on_headers_complete = on_headers_complete
