"""Import: rules back from what people have: rules, a saved spec, names, a trainer's configuration, pasted Python.

Python is run, in a process of its own (`isolated.py`), against stand-ins of the model and of its libraries
(`execution/`); everything else is read as data.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from freezecore.importing.imported import Imported, Unread
    from freezecore.importing.kinds import import_rules

__all__ = ["Imported", "Unread", "import_rules"]
HOMES = {"Imported": "imported", "Unread": "imported", "import_rules": "kinds"}


def __getattr__(name: str):
    """Its names are imported when they are asked for: the process that runs a script needs none of them."""
    if name not in HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"freezecore.importing.{HOMES[name]}"), name)
