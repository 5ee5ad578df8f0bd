"""The order of execution, followed without arithmetic on inputs that are made up."""

import pytest
import torch
import transformers
from torch import nn

from freezecore.runtime.build.source import build
from freezecore.runtime.inputs.example import examples
from freezecore.runtime.tree.order import execution_order
from freezecore.source import ModelSource
from freezecore.workload import Workload


class LateFirst(nn.Module):
    """Defined in another order than it runs; one layer runs three times, one never, one only through a function."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(4, 2)
        self.never = nn.Linear(4, 4)
        self.thrice = nn.Linear(4, 4)
        self.functional = nn.Parameter(torch.ones(4, 4))
        self.first = nn.Linear(8, 4)
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x):
        x = nn.functional.linear(self.first(x), self.functional)
        for _ in range(3):
            x = self.thrice(x)
        return self.last(self.norm(x))


class Follows(LateFirst):
    """The same with its first layer defined first, so that an example can be made up."""

    def __init__(self):
        super().__init__()
        last = self._modules.pop("last")
        self._modules = {"first": self._modules.pop("first"), "last": last, **self._modules}


def test_order_is_that_of_first_use():
    found = execution_order(Follows())
    assert [n for n in found.parameters if n.endswith("weight") or n == "functional"] == [
        "first.weight",
        "functional",
        "thrice.weight",
        "norm.weight",
        "last.weight",
    ]
    assert found.calls["thrice"] == 3
    assert "never.weight" not in found.parameters


def test_modules_whose_buffers_move_in_train_mode_are_named():
    assert execution_order(Follows()).moved == ("norm",)


def test_the_model_itself_is_neither_run_nor_changed():
    model = Follows().eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert execution_order(model)
    assert not model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_model_that_cannot_be_followed_says_why():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3))

    found = execution_order(Odd())
    assert not found
    assert "does not tell what it takes in" in found.reason


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("timm:resnet18", {"batch_size": 3, "image_size": 224}),
        ("timm:inception_v3", {"batch_size": 3, "image_size": 299}),
        ("config:bert", {"batch_size": 3, "sequence_length": 128}),
        ("config:vit", {"batch_size": 3, "image_size": 224}),
    ],
)
def test_inputs_are_made_up_from_what_the_library_says(text, sizes):
    model = build(ModelSource.parse(text)).model
    made = next(examples(model, Workload(batch_size=3)))
    assert made.sizes == sizes
    assert {t.device.type for t in (*made.args, *made.kwargs.values())} == {"meta"}


def test_a_workload_changes_the_inputs():
    model = build(ModelSource.parse("config:bert")).model
    made = next(examples(model, Workload(batch_size=2, sequence_length=40), device="cpu"))
    assert made.kwargs["input_ids"].shape == (2, 40)


class Tagger(nn.Module):
    """As scripts wrap a library's model: ids and their mask, and a layer that nothing runs."""

    def __init__(self):
        super().__init__()
        sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
        self.backbone = transformers.AutoModel.from_config(transformers.BertConfig(vocab_size=99, **sizes))
        self.lstm = nn.LSTM(16, 16, batch_first=True)
        self.unused = nn.LSTM(16, 8, batch_first=True, bidirectional=True)
        self.classifier = nn.Linear(16, 3)

    def forward(self, ids, attention_mask, token_type_ids):
        states = self.backbone(ids, attention_mask, token_type_ids, return_dict=False)[0]
        return self.classifier(self.lstm(states)[0])


def test_a_mask_that_a_forward_wants_beside_its_tokens_is_made():
    with torch.device("meta"):
        run = execution_order(Tagger())
    assert run and not run.by_parts and run.uses("classifier.weight")
    assert run.uses("unused.weight_ih_l0") is False
