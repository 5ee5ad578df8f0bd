"""Raw data by its name: built in, or a person's own."""

from __future__ import annotations

import numpy as np

from freezecore.datasets import BUILT_IN
from freezecore.errors import DataError, did_you_mean, shortened
from freezecore.live.data.samples import Raw
from freezecore.probe import ProbeRequest


def read(request: ProbeRequest) -> Raw:
    """The samples that a request names; sizes default to the data's own split.

    Raises:
        DataError: no such data, or it cannot be read; the sentence names the file and the row.
    """
    name = request.data
    if name in BUILT_IN:
        info = BUILT_IN[name]
        reader = {"shapes": _shapes, "digits": _digits}[name]
        return reader(request.train_size or info.train_size, request.test_size or info.test_size)
    raise DataError(
        f"There is no data called '{shortened(name)}'.",
        did_you_mean(name, BUILT_IN) or "Write " + ", ".join(BUILT_IN) + ", or the path of a file of your own.",
    )


def _shapes(train: int, test: int) -> Raw:
    from freezecore.live.data.shapes import draw

    images, targets = draw(train + test)
    return Raw("shapes", "image", targets, BUILT_IN["shapes"].classes, *_in_turn(train, test), images=images)


def _digits(train: int, test: int) -> Raw:
    from sklearn.datasets import load_digits

    digits = load_digits()
    if train + test > len(digits.target):
        raise DataError(
            f"digits has {len(digits.target):,} samples, not {train + test:,}.", "Train on, or hold out, fewer of them."
        )
    chosen = np.random.default_rng(0).permutation(len(digits.target))[: train + test]
    grey = (digits.images[chosen] * (255 / 16)).astype(np.uint8)
    images = np.repeat(grey[:, None], 3, axis=1)
    targets = digits.target[chosen].astype(np.int64)
    return Raw("digits", "image", targets, BUILT_IN["digits"].classes, *_in_turn(train, test), images=images)


def _in_turn(train: int, test: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the first `train` samples and of the `test` that follow."""
    return np.arange(train), np.arange(train, train + test)
