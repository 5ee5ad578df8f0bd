"""The workload refuses what no training step could be."""

import pytest

from freezecore.errors import WorkloadError
from freezecore.workload import Workload


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"batch_size": 0}, "The batch size 0 is out of range. Choose a whole number from 1 to 65,536."),
        ({"batch_size": 10**9}, "The batch size 1000000000 is out of range."),
        ({"image_size": -1}, "The image size -1 is out of range."),
        ({"sequence_length": 2.5}, "The sequence length 2.5 is out of range."),
        ({"optimizer": "adam"}, "There is no optimizer called 'adam'. Did you mean 'adamw'?"),
        ({"checkpointing": "no"}, "Checkpointing cannot be 'no'. It is True or False."),
        ({"precision": "int3"}, "There is no precision called 'int3'."),
    ],
)
def test_a_value_out_of_range_is_named_with_its_limits(options, sentence):
    with pytest.raises(WorkloadError) as caught:
        Workload(**options)
    assert sentence in str(caught.value)


def test_a_workload_survives_json():
    workload = Workload(batch_size=8, image_size=96, optimizer="sgd")
    assert Workload(**workload.to_json()) == workload
