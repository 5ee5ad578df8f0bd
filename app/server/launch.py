"""Starts the page: `python -m app` for one person, `--room` for a class on the local network."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path

SERVER = Path(__file__).with_name("asgi.py")
LOOPBACK = ("127.0.0.1", "localhost")


def main(arguments: list[str] | None = None) -> None:
    """Replace this process by Streamlit's, listening where it was asked to."""
    options = _parser().parse_args(arguments)
    if not _is_free(options.address, options.port):
        sys.exit(f"Port {options.port} is already taken. Choose another: PORT={options.port + 1} make run")
    hosts = [*LOOPBACK, *options.allow]
    if options.room:
        options.address = "0.0.0.0"
        here = local_address()
        hosts.append(here)
        _invite(f"http://{here}:{options.port}")
    else:
        print(f"\n  Freeze Explorer: http://{LOOPBACK[0]}:{options.port}\n", flush=True)
    os.chdir(SERVER.parents[2])
    os.execv(sys.executable, [sys.executable, *streamlit_command(options.address, options.port, hosts)])


def streamlit_command(address: str, port: int, hosts: list[str]) -> list[str]:
    """Arguments for Python. `-m streamlit` puts the checkout's root on the path, which `streamlit run` does not."""
    allowed = [argument for host in hosts for argument in ("--server.allowedHosts", host)]
    settings = {"server.address": address, "server.port": port, "server.headless": "true"}
    flags = [argument for name, value in settings.items() for argument in (f"--{name}", str(value))]
    return ["-m", "streamlit", "run", str(SERVER), *flags, *allowed]


def local_address() -> str:
    """This machine's address on its local network; loopback where it has none. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))
            return probe.getsockname()[0]
        except OSError:
            return LOOPBACK[0]


def _invite(link: str) -> None:
    import segno

    print(f"\n  Everyone in the room opens {link}\n", flush=True)
    segno.make(link, error="m").terminal(compact=True)
    print("  Anyone on this network can open it. Ctrl+C ends it.\n", flush=True)


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((address, port))
        except OSError:
            return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--address", default=LOOPBACK[0], help="where to listen (default: this machine only)")
    parser.add_argument("--allow", action="append", default=[], metavar="HOST", help="one more name it is reached by")
    parser.add_argument("--room", action="store_true", help="listen on the local network and show a QR code")
    return parser
