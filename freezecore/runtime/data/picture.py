"""One picture as text that a page can show."""

from __future__ import annotations

import base64
import io

import numpy as np


def data_address(pixels: np.ndarray) -> str:
    """uint8 [3, height, width] as a JPEG in a `data:` address."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(file, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
