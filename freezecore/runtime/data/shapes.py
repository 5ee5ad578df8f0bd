"""`shapes`: ten classes drawn on the spot in random colours, sizes and rotations over noisy gradients, 64 pixels."""

from __future__ import annotations

import numpy as np

from freezecore.datasets import SHAPES

SIZE = 64
SEED = 20_240  # of the drawings: the same pictures in every run, so that runs can be compared sample by sample


def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` pictures, uint8 [count, 3, 64, 64], and their class numbers, int64 [count], classes in turn."""
    random = np.random.default_rng(SEED)
    targets = np.arange(count) % len(SHAPES)
    pictures = np.empty((count, 3, SIZE, SIZE), np.uint8)
    for number, name in enumerate(SHAPES):
        of_class = np.flatnonzero(targets == number)
        if len(of_class):
            pictures[of_class] = _draw_class(name, len(of_class), random)
    return pictures, targets


def _draw_class(name: str, count: int, random: np.random.Generator) -> np.ndarray:
    x, y, pixel = _grid(count, random)
    inside = np.clip(-shape_distance(name, x, y) / pixel + 0.5, 0, 1)[:, None]
    ink, paper_a, paper_b = _colours(count, random)
    ramp = _ramp(count, random)
    paper = paper_a * (1 - ramp) + paper_b * ramp
    noise = random.normal(0, 1, (count, 3, SIZE, SIZE)) * random.uniform(0.03, 0.14, (count, 1, 1, 1))
    return (255 * np.clip(paper * (1 - inside) + ink * inside + noise, 0, 1)).astype(np.uint8)


def _grid(count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates of each pixel in the shape's own frame (its radius is 1), and a pixel's width in it."""
    axis = (np.arange(SIZE) + 0.5) / SIZE * 2 - 1
    v, u = np.meshgrid(axis, axis, indexing="ij")
    radius = random.uniform(0.35, 0.75, (count, 1, 1))
    shift = random.uniform(-1, 1, (2, count, 1, 1)) * (0.95 - radius)
    angle = random.uniform(0, 2 * np.pi, (count, 1, 1))
    u, v = (u - shift[0]) / radius, (v - shift[1]) / radius
    return u * np.cos(angle) - v * np.sin(angle), u * np.sin(angle) + v * np.cos(angle), 2 / SIZE / radius


def _colours(count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ink and the two ends of the paper's gradient, [count, 3, 1, 1] each; the ink stands out from both."""
    paper = random.uniform(0, 1, (2, count, 3))
    ink = random.uniform(0, 1, (count, 3))
    away = np.sign(ink.mean(1) - paper.mean((0, 2)))[:, None]
    ink = np.clip(ink + 0.25 * np.where(away == 0, 1, away), 0, 1)
    return ink[..., None, None], paper[0][..., None, None], paper[1][..., None, None]


def _ramp(count: int, random: np.random.Generator) -> np.ndarray:
    """A linear gradient in a random direction, 0 to 1, [count, 1, 64, 64]."""
    axis = np.linspace(-0.5, 0.5, SIZE)
    angle = random.uniform(0, 2 * np.pi, (count, 1, 1, 1))
    return np.clip(0.5 + axis * np.cos(angle) + axis[:, None] * np.sin(angle), 0, 1)


def shape_distance(name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Below 0 inside the shape, above 0 outside, roughly in units of its radius."""
    r = np.hypot(x, y)
    square = np.maximum(abs(x), abs(y)) - 0.8
    match name:
        case "circle":
            return r - 0.9
        case "ring":
            return abs(r - 0.75) - 0.18
        case "triangle":
            return np.maximum(abs(x) * 0.866 + y * 0.5, -y) - 0.5
        case "square":
            return square
        case "star":
            wave = abs(np.mod(np.arctan2(y, x) / (2 * np.pi) * 5, 1) - 0.5) * 2
            return r - (0.4 + 0.6 * wave)
        case "cross":
            return np.maximum(np.minimum(abs(x), abs(y)) - 0.25, np.maximum(abs(x), abs(y)) - 0.9)
        case "crescent":
            return np.maximum(r - 0.95, 0.75 - np.hypot(x - 0.5, y))
        case "stripes":
            return np.maximum(square, -0.1 * np.cos(x * 2.5 * np.pi / 0.8))
        case "dots":
            return np.maximum(square, np.hypot(_saw(x), _saw(y)) - 0.13)
        case _:  # checker
            return np.maximum(square, 0.12 * np.sin(x * 2.5 * np.pi) * np.sin(y * 2.5 * np.pi))


def _saw(x: np.ndarray) -> np.ndarray:
    """Distance along one axis to the nearest point of a grid of step 0.4."""
    return np.mod(x + 0.2, 0.4) - 0.2
