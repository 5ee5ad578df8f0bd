"""`tqdm`: progress bars, which change nothing of what they show."""

from __future__ import annotations

from freezecore.importing.execution.standins.stdlib_functions import first
from freezecore.importing.execution.unknown import Unknown


class Bar:
    """A progress bar of tqdm: what it shows is gone through, and all else about it shows."""

    _fx_shows = True

    def __init__(self, shown=(), *args, **kwargs) -> None:
        self._fx_shown = shown

    def __iter__(self):
        return iter(self._fx_shown)

    def __len__(self) -> int:
        return len(self._fx_shown)

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        return first

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error) -> bool:
        return False


def bar(shown=(), *args, **kwargs):
    """`tqdm`; of what is not known nothing is known."""
    return shown if type(shown) is Unknown else Bar(shown)
