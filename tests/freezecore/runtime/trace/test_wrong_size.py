"""A size that a model was not made for is refused with the way to have it."""

import pytest

from freezecore.errors import WorkloadError
from freezecore.runtime.trace.trace_model import trace_source
from freezecore.source import ModelSource
from freezecore.workload import Workload


def test_a_vision_transformer_says_how_timm_makes_it_for_another_size():
    with pytest.raises(WorkloadError) as told:
        trace_source(ModelSource.parse("timm:vit_tiny_patch16_224"), Workload(2, image_size=96))
    assert "timm.create_model('vit_tiny_patch16_224', img_size=96)" in str(told.value.hint)
