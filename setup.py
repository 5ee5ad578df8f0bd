"""What `pyproject.toml` has no words for: the page's folder by another name, and the README as a registry shows it."""

import re
import tomllib
from pathlib import Path

from setuptools import find_namespace_packages, setup

BASE = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["freeze-explorer"]["base-address"]
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:)([^)]+)\)")


def described(text: str, base: str) -> str:
    """The README where its own files are not at hand: links and pictures begin with the base address, or there are
    none of them."""
    if base:
        return LINK.sub(lambda link: f"{link[1]}[{link[2]}]({base.rstrip('/')}/{link[3]})", text)
    return re.sub(r"\n{3,}", "\n\n", LINK.sub(lambda link: "" if link[1] else link[2], text))


def packages(folder: str, **which: list[str]) -> list[str]:
    return find_namespace_packages(folder, exclude=["*__pycache__*"], **which)


setup(
    packages=[
        *packages(".", include=["freezecore*"]),
        "freeze_explorer",
        *(f"freeze_explorer.{name}" for name in packages("app")),
    ],
    package_dir={"freeze_explorer": "app"},
    long_description=described(Path("README.md").read_text("utf-8"), BASE),
    long_description_content_type="text/markdown",
    url=BASE or None,
)
