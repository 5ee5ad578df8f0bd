"""Starts the page: for one person, or with `--room` for a class on the local network."""

from __future__ import annotations

import argparse
import errno
import importlib.util
import ipaddress
import os
import socket
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1]  # `app` in a checkout; in a wheel `freeze_explorer`
SERVER = PACKAGE / "asgi.py"
IN_CHECKOUT = __name__.startswith("app.")
PROGRAM = "python -m app" if IN_CHECKOUT else "freeze-explorer"
LOOPBACK = ("127.0.0.1", "localhost")  # the usual two; `is_loopback` knows the others
EVERYWHERE = "0.0.0.0"


def main(arguments: list[str] | None = None) -> None:
    """Replace this process by Streamlit's, listening where it was asked to."""
    options = _parser().parse_args(arguments)
    address = options.address or (EVERYWHERE if options.room else LOOPBACK[0])
    if trouble := _missing() or _trouble(address, options.port, options.room):
        sys.exit(trouble)
    outside = local_address() if options.room else LOOPBACK[0]
    here = outside if address == EVERYWHERE else address
    link = f"http://{here}:{options.port}"
    if options.room:
        _invite(link, is_loopback(here))
    else:
        print(f"\n  Freeze Explorer: {link}\n", flush=True)
    hosts = list(dict.fromkeys([*LOOPBACK, *options.allow, here]))
    path = os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, *streamlit_command(address, options.port, hosts)]
    os.execve(sys.executable, command, {**os.environ, "PYTHONPATH": path})


def streamlit_command(address: str, port: int, hosts: list[str]) -> list[str]:
    """Arguments for Python. `-P` keeps the folder that it starts in off the path: a checkout may lie there."""
    allowed = [argument for host in hosts for argument in ("--server.allowedHosts", host)]
    settings = {"server.address": address, "server.port": port, "server.headless": "true"}
    settings["browser.serverAddress"] = hosts[-1]  # else Streamlit asks the internet for it and names others
    flags = [argument for name, value in settings.items() for argument in (f"--{name}", str(value))]
    return ["-P", "-m", "streamlit", "run", str(SERVER), *flags, *allowed]


def is_loopback(host: str | None) -> bool:
    """Whether a host's name or address leads nowhere but to the machine that asks: all of 127.0.0.0/8, and ::1."""
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host in LOOPBACK


def local_address() -> str:
    """This machine's address on its local network; loopback where it has none. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))
            return probe.getsockname()[0]
        except OSError:
            return LOOPBACK[0]


def _invite(link: str, is_here_alone: bool) -> None:
    if is_here_alone:
        print(
            f"\n  Only this computer reaches {link}: for a class, start without --address, on a network.\n", flush=True
        )
        return
    import segno

    print(f"\n  Everyone in the room opens {link}\n", flush=True)
    segno.make(link, error="m").terminal(compact=True)
    print("  Anyone who reaches this address can open it. Ctrl+C ends it.\n", flush=True)


def _missing() -> str | None:
    """What the page needs and is not installed, as a sentence."""
    names = [name for name in ("torch", "streamlit", "plotly", "segno") if importlib.util.find_spec(name) is None]
    return f"The page needs {', '.join(names)}. Install it: pip install 'freeze-explorer[page]'" if names else None


def _command(port: int, room: bool) -> str:
    """How this is started at another port, as it was started now."""
    if IN_CHECKOUT:
        return f"PORT={port} make {'class' if room else 'run'}"
    return f"freeze-explorer --port {port}{' --room' if room else ''}"


def _trouble(address: str, port: int, room: bool) -> str | None:
    """Why nothing can listen there, as a sentence; None where it can."""
    if not 0 < port < 2**16:
        return f"There is no port {port}. Choose one between 1 and 65535: {_command(8501, room)}"
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"Port {port} is already taken. Choose another: {_command(port % 65535 + 1, room)}"
            return f"Nothing can listen on {address}, port {port} ({error.strerror})."
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--address", help="where to listen (default: this machine only; with --room its network)")
    parser.add_argument("--allow", action="append", default=[], metavar="HOST", help="one more name it is reached by")
    parser.add_argument("--room", action="store_true", help="for a class: a QR code of the address")
    return parser
