import socket
import threading
import time
import urllib.request

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.server import headers


@pytest.fixture(params=["httptools", "h11"])
def address(request):
    """A small server that reads connections with each of uvicorn's two readers."""
    if request.param == "httptools":
        pytest.importorskip("httptools")
    headers.bound()

    async def hello(asked):
        return PlainTextResponse(str(len(await asked.body())))

    app = Starlette(routes=[Route("/", hello, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=request.param, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    thread.join(10)


def sent_before_closed(address, begin: bytes, chunk: bytes, most: int) -> int:
    sent = 0
    with socket.create_connection(address, timeout=20) as line:
        try:
            line.sendall(begin)
            while sent < most:
                line.sendall(chunk)
                sent += len(chunk)
                time.sleep(0.001)
        except OSError:
            pass
    return sent


@pytest.mark.parametrize("chunk", [b"a" * 8192, b"x: y\r\n" * 1000])
def test_an_endless_header_is_cut_off(address, chunk):
    assert sent_before_closed(address, b"GET / HTTP/1.1\r\nhost: here\r\nx-long: ", chunk, 64 * 2**20) < 8 * 2**20


def test_an_endless_second_header_on_one_line_is_cut_off_too(address):
    first = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
    assert sent_before_closed(address, first + b"GET / HTTP/1.1\r\nx-long: ", b"a" * 8192, 64 * 2**20) < 8 * 2**20


def test_long_bodies_and_many_requests_on_one_line_are_no_header(address):
    import http.client

    line = http.client.HTTPConnection(*address, timeout=20)
    for size in (3_000_000, 0, 1_000_000):
        line.request("POST", "/", b"x" * size)
        assert line.getresponse().read() == str(size).encode()
    line.close()


def test_a_header_that_never_ends_in_time_is_cut_off(address, monkeypatch):
    monkeypatch.setattr(headers, "LONGEST_S", 0.3)
    with socket.create_connection(address, timeout=10) as line:
        line.sendall(b"GET / HTTP/1.1\r\nhost:")
        assert line.recv(100) == b""
    assert urllib.request.urlopen(f"http://{address[0]}:{address[1]}/", timeout=10).read() == b"0"
