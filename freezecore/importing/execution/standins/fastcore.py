"""`fastcore`: fastai's own list, by which splitters make their groups."""

from __future__ import annotations

from functools import reduce
from operator import getitem

from freezecore.importing.execution.standins.framework import seen_as
from freezecore.importing.execution.standins.module import Module


@seen_as("L")
class Several(list):
    """fastcore's `L(...)`: a list that maps and filters itself."""

    def __init__(self, *items) -> None:
        super().__init__(items[0] if len(items) == 1 and not isinstance(items[0], Module) else items)

    def map(self, function, *args, **kwargs) -> Several:
        return Several([function(each, *args, **kwargs) for each in self])

    def filter(self, function=bool, negate=False, **kwargs) -> Several:
        return Several([each for each in self if bool(function(each, **kwargs)) is not negate])

    def concat(self) -> Several:
        return Several([each for inner in self for each in inner])

    def itemgot(self, *places) -> Several:
        return Several([reduce(getitem, places, each) for each in self])
