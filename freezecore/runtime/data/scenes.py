"""Scenes: one to three shapes drawn over a noisy gradient, with the box and the mask of each; no network is needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freezecore.datasets import SCENE_CLASSES
from freezecore.runtime.data.shapes import shape_distance

SIZE = 128  # pixels a side where none are asked for
MOST_OBJECTS = 3
SEED = 20_241  # the same scenes in every run
PADDING = -1  # the label of no object


@dataclass(frozen=True)
class Scenes:
    """Pictures with what is in them.

    Attributes:
        pictures: uint8 [n, 3, size, size].
        masks: the class of each pixel, int64 [n, size, size]; 0 is the background.
        boxes: label, left, top, right, bottom of each object in pixels, float32 [n, most, 5]; `PADDING` where there
            are fewer.
    """

    pictures: np.ndarray
    masks: np.ndarray
    boxes: np.ndarray


def draw(count: int, size: int = SIZE) -> Scenes:
    """So many scenes; the first ones are the same however many are drawn."""
    pictures = np.empty((count, 3, size, size), np.uint8)
    masks = np.zeros((count, size, size), np.int64)
    boxes = np.full((count, MOST_OBJECTS, 5), PADDING, np.float32)
    for number in range(count):
        _scene(np.random.default_rng((SEED, number)), pictures[number], masks[number], boxes[number])
    return Scenes(pictures, masks, boxes)


def _scene(random: np.random.Generator, picture: np.ndarray, mask: np.ndarray, boxes: np.ndarray) -> None:
    size = mask.shape[0]
    axis = (np.arange(size) + 0.5) / size
    v, u = np.meshgrid(axis, axis, indexing="ij")
    angle = random.uniform(0, 2 * np.pi)
    ramp = np.clip(0.5 + (u - 0.5) * np.cos(angle) + (v - 0.5) * np.sin(angle), 0, 1)
    paper = random.uniform(0, 1, (2, 3, 1, 1))
    scene = paper[0] * (1 - ramp) + paper[1] * ramp
    placed: list[tuple[float, float, float]] = []
    for at in range(random.integers(1, MOST_OBJECTS + 1)):
        radius = random.uniform(0.13, 0.24)
        x, y = random.uniform(radius, 1 - radius, 2)
        if any(np.hypot(x - a, y - b) < radius + c for a, b, c in placed):
            continue  # no shape hides another
        placed.append((x, y, radius))
        label = int(random.integers(1, len(SCENE_CLASSES)))
        turn = random.uniform(0, 2 * np.pi)
        a, b = (u - x) / radius, (v - y) / radius
        far = shape_distance(
            SCENE_CLASSES[label], a * np.cos(turn) - b * np.sin(turn), a * np.sin(turn) + b * np.cos(turn)
        )
        inside = far < 0
        ink = random.uniform(0, 1, (3, 1, 1))
        away = np.sign(ink.mean() - paper.mean()) or 1.0
        ink = np.clip(ink + 0.25 * away, 0, 1)
        scene = np.where(inside, ink, scene)
        mask[inside] = label
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        boxes[at] = label, columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    noise = random.normal(0, 1, scene.shape) * random.uniform(0.02, 0.08)
    picture[:] = (255 * np.clip(scene + noise, 0, 1)).astype(np.uint8)
