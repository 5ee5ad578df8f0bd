"""Waiting for a server that a test or a benchmark started."""

import subprocess
import time
import urllib.request
from pathlib import Path


def wait_until_answering(address: str, seconds: float, server: subprocess.Popen | None = None, log: Path | None = None):
    """Return once `address` answers.

    Raises:
        AssertionError: the server ended, or did not answer in time; with the end of its log.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until and (server is None or server.poll() is None):
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text()[-2000:] if log else f"{address} did not answer.")
