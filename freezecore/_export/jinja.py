"""Jinja: fills in a template of `templates/`, each of which reads like the Python, YAML or notebook that it makes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from freezecore._export.header import header
from freezecore._export.python import call, constant_items, number, quoted, quoted_tuple, signature, sorted_imports
from freezecore.yaml_text import scalar

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).with_name("templates")


def render(template: str, **values: object) -> str:
    """The text of one template, whose variables are these values."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    """Jinja as the templates expect it: lines that hold only a tag leave no line behind, unknown names are errors."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    environment.globals |= {"python_call": call, "signature": signature}
    environment.filters |= {
        "header": header,
        "items": constant_items,
        "number": number,
        "quoted": quoted,
        "quoted_tuple": quoted_tuple,
        "sorted_imports": sorted_imports,
        "yaml": scalar,
    }
    return environment
