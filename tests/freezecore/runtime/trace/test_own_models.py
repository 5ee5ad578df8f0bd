"""Models of one's own: several outputs, labels, what cuts or recomputes on its own; held against the real allocator."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

import freezecore as fc
from freezecore._estimate.cost import estimate_names
from freezecore.runtime.inputs.own import own_batch
from freezecore.runtime.trace import module_pricer
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import on_fake
from tests.freezecore.runtime.trace.own_steps import STRAY, WORKLOAD, estimated, optimizer_state, taken

BATCH = torch.randn(64, 32)


@dataclass
class Answer:
    mood: torch.Tensor
    topic: torch.Tensor
    names: tuple = ("mood", "topic")


class Two(NamedTuple):
    mood: torch.Tensor
    topic: torch.Tensor


SHAPES = {
    "a tuple": lambda h, mood, topic: (mood, topic),
    "a list": lambda h, mood, topic: [mood, topic],
    "a dictionary": lambda h, mood, topic: {"mood": mood, "topic": topic},
    "a dictionary inside a tuple": lambda h, mood, topic: ({"mood": mood}, [topic]),
    "features beside the heads": lambda h, mood, topic: {"features": h, "mood": mood, "topic": topic},
    "a named tuple": lambda h, mood, topic: Two(mood, topic),
    "a data class": lambda h, mood, topic: Answer(mood, topic),
    "a plain object": lambda h, mood, topic: SimpleNamespace(mood=mood, topic=topic),
    "numbers that need no gradient": lambda h, mood, topic: (mood, topic, topic.argmax(1), None),
}


class Body(nn.Module):
    def __init__(self, shape="a tuple"):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(32, 96), nn.GELU(), nn.Linear(96, 64))
        self.mood, self.topic = nn.Linear(64, 40), nn.Linear(64, 50)
        self.shape = SHAPES[shape]

    def forward(self, x):
        h = self.body(x)
        return self.shape(h, self.mood(h), self.topic(h))


class WithLabels(Body):
    def forward(self, x, labels):
        h = self.body(x)
        return {"loss": F.cross_entropy(self.topic(h), labels) + self.mood(h).square().mean(), "logits": self.topic(h)}


class LossFirst(Body):
    def forward(self, x, labels=None):
        logits = self.topic(self.body(x))
        return logits if labels is None else (F.cross_entropy(logits, labels), logits)


class Detached(Body):
    def forward(self, x):
        return self.topic(self.body(x).detach())


class WithoutGradient(Body):
    def forward(self, x):
        with torch.no_grad():
            h = self.body(x)
        return self.topic(h)


@torch.no_grad()
def encoded(body, x):
    return body(x)


class DecoratedWithoutGradient(Body):
    def forward(self, x):
        return self.topic(encoded(self.body, x)), self.mood(encoded(self.body, x) * 2)


class PartlyDetached(Body):
    def forward(self, x):
        h = self.body(x)
        return self.topic(h) + self.topic(h.detach()).sum(), self.mood(h.data)


class StraightThrough(Body):
    def forward(self, x):
        h = self.body(x)
        return self.topic(h + (h.round() - h).detach())


class Blocks(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(32, 128), nn.GELU(), nn.Dropout(0.1), nn.Linear(128, 32)) for _ in range(4)
        )
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        for block in self.blocks:
            x = self.through(block, x)
        return self.head(x)

    def through(self, block, x):
        return x + checkpoint(block, x, use_reentrant=False)


class WhenTraining(Blocks):
    def through(self, block, x):
        return x + (checkpoint(block, x, use_reentrant=False) if self.training else block(x))


class ByAFunction(Blocks):
    def through(self, block, x):
        return checkpoint(lambda h, scale: h + scale * block(h), x, 2.0, use_reentrant=False)


class EverySecond(Blocks):
    def forward(self, x):
        for i, block in enumerate(self.blocks):
            x = checkpoint(block, x, use_reentrant=False) if i % 2 else block(x)
        return self.head(x)


class InSegments(Blocks):
    def forward(self, x):
        return self.head(checkpoint_sequential(self.blocks, 2, x, use_reentrant=False))


class Shared(nn.Module):
    """One layer used three times: its gradients are views, so the first sum makes a new tensor."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(32, 32), nn.Linear(32, 4)

    def forward(self, x):
        for _ in range(3):
            x = self.body(x[:4])
        return self.head(x)


class Tied(nn.Module):
    """A head that is the embedding."""

    def __init__(self):
        super().__init__()
        self.body, self.inner = nn.Embedding(500, 32), nn.Linear(32, 32)
        self.head = nn.Linear(32, 500, bias=False)
        self.head.weight = self.body.weight

    def forward(self, x):
        return self.head(self.inner(self.body(x)))


class Older(Blocks):
    def through(self, block, x):
        return x + checkpoint(block, x, use_reentrant=True)


class ByDefault(Blocks):
    def through(self, block, x):
        return x + checkpoint(block, x)


def labelled():
    return {"x": torch.randn(64, 32), "labels": torch.zeros(64, dtype=torch.long)}


MODELS = {
    **{shape: (lambda shape=shape: Body(shape), BATCH) for shape in SHAPES},
    "labels that forward needs": (WithLabels, labelled()),
    "labels that forward may have": (LossFirst, labelled()),
    "without gradient": (WithoutGradient, BATCH),
    "decorated without gradient": (DecoratedWithoutGradient, BATCH),
    "partly detached": (PartlyDetached, BATCH),
    "straight through": (StraightThrough, BATCH),
    "one layer used three times": (Shared, BATCH),
    "a tied head": (Tied, torch.zeros(4, 5, dtype=torch.long)),
    "its own checkpoints": (Blocks, BATCH),
    "checkpoints when training": (WhenTraining, BATCH),
    "checkpoints of a function": (ByAFunction, BATCH),
    "every second block checkpointed": (EverySecond, BATCH),
    "checkpointed in segments": (InSegments, BATCH),
}
PARTS = {
    "everything": lambda name: True,
    "without the body": lambda name: not name.startswith(("body", "blocks")),
    "the last head": lambda name: name.startswith(("topic", "head")),
    "the body": lambda name: name.startswith(("body", "blocks.2")),
}


@pytest.fixture(scope="module", params=MODELS)
def followed(request):
    build, batch = MODELS[request.param]
    return build, batch, module_pricer(build(), WORKLOAD, batch=batch)


@pytest.mark.parametrize("part", PARTS)
def test_a_step_is_priced_as_the_real_allocator_sees_it(followed, part):
    build, batch, pricer = followed
    trains = {p.name for p in pricer.trace.parameters if PARTS[part](p.name)}
    if not trains:
        pytest.skip("no such parameter")
    cost = estimated(pricer.trace, trains).required()
    assert cost.optimizer == optimizer_state(build, batch, pricer.trace, trains)
    assert abs(cost.peak_bytes - taken(build, batch, pricer.trace, trains)) <= STRAY


@pytest.mark.parametrize("model", [Older, ByDefault])
def test_the_older_kind_of_checkpoint_is_answered_with_the_reason(model):
    assert "use_reentrant=True" in module_pricer(model(), WORKLOAD, batch=BATCH).trace.problem


@pytest.mark.parametrize("part", ["without the body", "the last head"])
def test_nothing_behind_a_detached_result_trains(part):
    trace = module_pricer(Detached(), WORKLOAD, batch=BATCH).trace
    trains = {p.name for p in trace.parameters if PARTS[part](p.name)}
    cost = estimated(trace, trains).required()
    assert abs(cost.peak_bytes - taken(Detached, BATCH, trace, trains)) <= STRAY
    assert [p.name for p in trace.parameters if p.used] == ["topic.weight", "topic.bias"]
    assert any("detach()" in note for note in trace.notes)


class Nearest(Body):
    """Takes the nearest of many by a distance, of which nothing leads to the loss."""

    def __init__(self):
        super().__init__()
        self.register_buffer("codes", torch.randn(4096, 64))

    def forward(self, x):
        h = self.body(x)
        distance = h.pow(2).sum(1, keepdim=True) - 2 * h @ self.codes.T
        return self.topic(h) + 0 * distance.argmin(1)[:, None]


def test_what_autograd_keeps_beside_the_way_to_the_loss_is_told():
    notes = module_pricer(Nearest(), WORKLOAD, batch=torch.randn(64, 32)).trace.notes
    assert any("does not lead to the loss" in note for note in notes)


def test_models_that_detach_nothing_have_no_note_of_it():
    assert not any("detach()" in note for note in module_pricer(Body(), WORKLOAD, batch=BATCH).trace.notes)


def test_torchs_fast_path_in_eval_mode_is_told():
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    notes = module_pricer(nn.TransformerEncoder(layer, 2), WORKLOAD, batch=torch.randn(4, 8, 32)).trace.notes
    assert any("fast path" in note for note in notes)


class Sees(nn.Module):
    """Answers to text, and to pictures where they are given, as chat models that see do."""

    def __init__(self):
        super().__init__()
        self.words, self.head = nn.Embedding(50, 16), nn.Linear(16, 4)
        self.eye = nn.Sequential(nn.Flatten(), nn.Linear(48, 16))

    def forward(self, input_ids, pixel_values=None):
        h = self.words(input_ids).mean(1)
        return self.head(h if pixel_values is None else h + self.eye(pixel_values))


def test_a_step_without_pictures_says_what_of_the_model_it_leaves_out():
    words = {"input_ids": torch.randint(0, 50, (4, 8))}
    blind, whole = (fc.trace(Sees(), batch=words | more) for more in ({}, {"pixel_values": torch.randn(4, 3, 4, 4)}))
    assert [note for note in blind.notes if "all that eye take" in note and "without pixel_values" in note]
    assert not [note for note in whole.notes if "eye" in note or "without" in note]


def test_labels_that_forward_does_not_take_are_left_out():
    batch = {"x": BATCH, "labels": torch.zeros(64, dtype=torch.long)}
    trace = fc.trace(Detached(), batch=batch)
    assert (trace.problem, trace.workload.batch_size) == ("", 64)


def test_in_pure_bf16_inputs_take_the_models_type():
    def build():
        return nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 10))

    pricer = module_pricer(build(), Workload(implementation="loop", precision="bf16"), batch=BATCH)
    cost = estimate_names(pricer.trace, pricer.trace.parameters, (), in_place=False).required()
    names, inputs = {p.name for p in pricer.trace.parameters}, own_batch(BATCH.bfloat16())[1]
    true = on_fake(build(), names, (), pricer.trace.workload, inputs, False)
    assert abs(cost.peak_bytes - true.peak_bytes) <= STRAY
    assert cost.weights == sum(p.numel() * 2 for p in build().parameters())


@pytest.mark.parametrize("name", ["test_vit", "test_convnext", "test_efficientnet", "test_resnet", "hgnetv2_b0"])
def test_models_of_timm_are_followed_in_pure_bf16(name):
    half, full = (fc.trace(f"timm:{name}", Workload(2, precision=precision)) for precision in ("bf16", "fp32"))
    assert half.problem == ""
    assert 2 * half.amounts[half.batch[0]].at(2) == full.amounts[full.batch[0]].at(2)


class Answers(nn.Module):
    """One layer, whose answer comes back in the shape that is asked for."""

    def __init__(self, answer):
        super().__init__()
        self.layer, self.answer = nn.Linear(8, 8), answer

    def forward(self, x):
        return self.answer(self.layer(x))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda y: y, "cross entropy"),
        (lambda y: y[:, None], "cross entropy"),  # a token of each sample
        (lambda y: {"loss": y.mean()}, ""),  # the model's own
        (lambda y: {"label": y[:, :4], "token": y[:, 4:]}, "mean square"),
        (lambda y: (y, y.relu()), "mean square"),
        (lambda y: y[None, None], "mean square"),
    ],
)
def test_a_loss_that_is_made_up_is_told(answer, told):
    notes = module_pricer(Answers(answer), WORKLOAD, batch=torch.randn(4, 8)).trace.notes
    said = [note for note in notes if "a loss of your own" in note]
    assert len(said) == bool(told) and told in "".join(said)
