"""Data for probes: read by name, then encoded for one model."""

from freezecore.live.data.encode import encode
from freezecore.live.data.preview import preview
from freezecore.live.data.read import read
from freezecore.live.data.samples import Dataset, Raw, Samples

__all__ = ["Dataset", "Raw", "Samples", "encode", "preview", "read"]
