"""Finds a Chromium for the browser tests, or installs one: `python tests/browser/chromium.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
JAPANESE_FONT = "fonts-ipafont-gothic"
BY_HAND = """\
    apt-get install chromium fonts-ipafont-gothic    (Debian)
    playwright install --with-deps chromium          (elsewhere)"""


def find() -> str | None:
    """Path of a Chromium: `$CHROMIUM`, one on the PATH, or Playwright's own."""
    for name in (os.environ.get("CHROMIUM"), *NAMES):
        if name and (path := shutil.which(name)):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def install() -> None:
    """Debian's package where this is root on Debian, else Playwright's download."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet, stdout=subprocess.DEVNULL)
        command = ["apt-get", "install", "-y", "-qq", "chromium", JAPANESE_FONT]
        subprocess.run(command, check=True, env=quiet, stdout=subprocess.DEVNULL)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def main() -> None:
    """Print where Chromium is, installing it first when it is missing; exit 1 with the command to type."""
    if not find():
        print("No Chromium here: installing one for the browser tests.", flush=True)
        try:
            install()
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"Chromium could not be installed ({error}). Type one of:\n{BY_HAND}")
    path = find()
    if path is None:
        sys.exit(f"The browser tests need Chromium. Type one of:\n{BY_HAND}")
    print(f"Browser tests use {path}", flush=True)


if __name__ == "__main__":
    main()
