"""Which samples are trained on and which are held out: repeatable, classes in proportion, groups never divided."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from freezecore.datasets import HELD_OUT_SHARE, TEST_SIZE, TRAIN_SIZE
from freezecore.errors import DataError

SEED = 7  # of the division: the same in every run, so that runs can be compared sample by sample
FEWEST = 3


def split(
    targets: np.ndarray,
    *,
    by_class: bool,
    name: str,
    train_size: int | None = None,
    test_size: int | None = None,
    groups: Sequence | None = None,
    held_out: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Positions to train on and positions held out.

    Args:
        groups: one key a sample; samples of one key stay together.
        held_out: True for each sample that is held out, where the data says so itself.

    Raises:
        DataError: there are too few samples, or nothing is left on one side.
    """
    count = len(targets)
    if count < FEWEST:
        raise DataError(
            "{name} has 1 sample." if count == 1 else "{name} has {count} samples.",
            "A probe needs {fewest} at least: some to train on, some held out.",
            name=name,
            count=count,
            fewest=FEWEST,
        )
    random = np.random.default_rng(SEED)
    if held_out is None:
        share = _share(count, train_size, test_size)
        if groups is not None:
            held_out = _by_group(groups, share, random)
        else:
            held_out = _by_class(targets if by_class else np.zeros(count, int), share, random)
    train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    if not len(train) or not len(test):
        raise DataError(
            "No sample of {name} is left held out." if len(train) else "No sample of {name} is left to train on.",
            "Check the fold or group column.",
            name=name,
        )
    train = random.permutation(train)[: train_size or TRAIN_SIZE]
    return train, random.permutation(test)[: test_size or TEST_SIZE]


def _share(count: int, train_size: int | None, test_size: int | None) -> float:
    """Share of the samples to hold out."""
    if test_size is not None:
        return min(test_size / count, 1 - 1 / count)
    if train_size is not None:
        return max(1 - train_size / count, 1 / count)
    return HELD_OUT_SHARE


def _by_class(targets: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """The same share of each class, of all samples one at least."""
    held_out = np.zeros(len(targets), bool)
    for of in np.unique(targets):
        members = random.permutation(np.flatnonzero(targets == of))
        held_out[members[: int(round(share * len(members)))]] = True
    if not held_out.any():
        held_out[random.integers(len(targets))] = True
    return held_out


def _by_group(groups: Sequence, share: float, random: np.random.Generator) -> np.ndarray:
    """Whole groups in random order until the share is reached."""
    keys, member_of = np.unique(np.asarray([str(group) for group in groups]), return_inverse=True)
    held_out = np.zeros(len(member_of), bool)
    for key in random.permutation(len(keys))[: max(0, len(keys) - 1)]:
        if held_out.mean() >= share:
            break
        held_out |= member_of == key
    return held_out
