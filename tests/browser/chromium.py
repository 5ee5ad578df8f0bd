"""Finds a Chromium for the browser tests, or installs one: `python tests/browser/chromium.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
JAPANESE_FONT = "fonts-ipafont-gothic"
CHINESE_FONT = "fonts-wqy-microhei"  # the smallest that has every simplified character
USER_FONTS = Path.home() / ".local" / "share" / "fonts"  # where fontconfig, and so Chromium, looks for a person's own
BY_HAND = """\
    apt-get install chromium fonts-ipafont-gothic fonts-wqy-microhei    (Debian)
    playwright install --with-deps chromium                             (elsewhere)"""


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


def add_chinese_font() -> None:
    """Put a font with Chinese characters where a person's own lie, so that pictures show them; needs no root.

    Debian's package is unpacked and not installed: its settings would change which font Japanese is drawn with.
    """
    known = (
        shutil.which("fc-list") and subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, check=True).stdout
    )
    if known or not shutil.which("apt-get"):
        return
    with tempfile.TemporaryDirectory() as folder:
        quiet = {"cwd": folder, "check": True, "capture_output": True}
        subprocess.run(["apt-get", "download", "-qq", CHINESE_FONT], **quiet)
        subprocess.run(["dpkg-deb", "-x", next(Path(folder).glob("*.deb")), "unpacked"], **quiet)
        USER_FONTS.mkdir(parents=True, exist_ok=True)
        for font in Path(folder, "unpacked").rglob("*.tt[cf]"):
            shutil.copy(font, USER_FONTS)


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
    try:
        add_chinese_font()
    except (OSError, StopIteration, subprocess.CalledProcessError) as error:
        print(f"No font with Chinese characters ({error}): pictures in Chinese show boxes. Type\n{BY_HAND}", flush=True)


if __name__ == "__main__":
    main()
