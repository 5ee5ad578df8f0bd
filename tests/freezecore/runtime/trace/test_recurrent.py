"""Recurrent layers: the peak held against the real allocator, and FLOPs against the formula of their gates."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import freezecore as fc
from freezecore._estimate.cost import estimate_names
from freezecore.runtime.inputs.own import own_batch
from freezecore.runtime.trace import module_pricer
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import on_cpu

WORKLOAD = Workload(implementation="loop")
SAMPLES, STEPS, WIDTH, HIDDEN = 16, 70, 48, 96
BATCH = torch.zeros(SAMPLES, STEPS, dtype=torch.long)
CLOSE = 0.005


class Net(nn.Module):
    def __init__(self, kind=nn.LSTM, layers=2, **more):
        super().__init__()
        self.embedding = nn.Embedding(200, WIDTH)
        self.encoder = kind(WIDTH, HIDDEN, layers, batch_first=more.pop("batch_first", True), **more)
        self.decoder = nn.Linear((more.get("proj_size") or HIDDEN) * (2 if more.get("bidirectional") else 1), 20)

    def forward(self, x):
        h = self.embedding(x)
        if self.encoder.batch_first:
            return self.decoder(self.encoder(h)[0][:, -1])
        return self.decoder(self.encoder(h.transpose(0, 1))[0][-1])


class Tagger(Net):
    """Reads every step, and the last state."""

    def forward(self, x):
        out, (h, c) = self.encoder(self.embedding(x))
        return self.decoder(out) + self.decoder(h[-1])[:, None] + c[-1].mean()


class Cells(nn.Module):
    """A cell called step by step."""

    def __init__(self):
        super().__init__()
        self.embedding, self.cell, self.decoder = nn.Embedding(200, WIDTH), nn.LSTMCell(WIDTH, 32), nn.Linear(32, 20)

    def forward(self, x):
        states = None
        for step in self.embedding(x[:, :8]).unbind(1):
            states = self.cell(step, states)
        return self.decoder(states[0])


class Packed(Net):
    def forward(self, x):
        lengths = (x != 0).sum(1).clamp(min=1)
        packed = pack_padded_sequence(self.embedding(x), lengths, batch_first=True, enforce_sorted=False)
        return self.decoder(pad_packed_sequence(self.encoder(packed)[0], batch_first=True)[0][:, -1])


MODELS = {
    "one layer": lambda: Net(layers=1),
    "two layers": lambda: Net(),
    "bidirectional": lambda: Net(bidirectional=True),
    "dropout": lambda: Net(dropout=0.1),
    "without biases": lambda: Net(bias=False),
    "steps first": lambda: Net(batch_first=False),
    "every step is read": lambda: Tagger(),
    "a cell": lambda: Cells(),
    "GRU": lambda: Net(nn.GRU),
    "RNN": lambda: Net(nn.RNN),
}
PARTS = {
    "everything": "",
    "the head": "decoder",
    "the embedding": "embedding",
    "the last layer": "encoder.weight_ih_l0",
}


@pytest.fixture(scope="module", params=MODELS)
def followed(request):
    build = MODELS[request.param]
    return build, module_pricer(build(), WORKLOAD, batch=BATCH)


@pytest.mark.parametrize("part", PARTS)
def test_a_recurrent_layer_is_priced_as_the_real_allocator_sees_it(followed, part):
    build, pricer = followed
    chosen = [p for p in pricer.trace.parameters if p.name.startswith(PARTS[part])]
    if not chosen:
        pytest.skip("no such parameter")
    cost = estimate_names(pricer.trace, chosen, ())
    real = on_cpu(build(), {p.name for p in chosen}, (), pricer.trace.workload, own_batch(BATCH)[1], False)
    assert abs(cost.required().peak_bytes / real.peak_bytes - 1) < CLOSE


def test_a_held_recurrent_layer_drops_nothing():
    pricer = module_pricer(Net(dropout=0.1), WORKLOAD, batch=BATCH)
    head = [p for p in pricer.trace.parameters if p.name.startswith("decoder")]
    cost = estimate_names(pricer.trace, head, ("encoder",))
    names = {p.name for p in head}
    real = on_cpu(Net(dropout=0.1), names, ("encoder",), pricer.trace.workload, own_batch(BATCH)[1], False)
    assert abs(cost.required().peak_bytes / real.peak_bytes - 1) < CLOSE


def test_projections_are_exact_while_they_train_and_said_to_be_too_high_while_frozen():
    trace = module_pricer(Net(proj_size=32), WORKLOAD, batch=BATCH).trace
    names = {p.name for p in trace.parameters}
    real = on_cpu(Net(proj_size=32), names, (), trace.workload, own_batch(BATCH)[1], False)
    assert abs(estimate_names(trace, trace.parameters, ()).peak_bytes / real.peak_bytes - 1) < CLOSE
    assert any("'encoder' (an LSTM with projections)" in note for note in trace.notes)


def test_another_batch_size_is_priced_from_the_same_trace():
    trace = module_pricer(Net(), WORKLOAD, batch=BATCH).trace
    cost = estimate_names(trace, trace.parameters, (), batch_size=40)
    batch = torch.zeros(40, STEPS, dtype=torch.long)
    real = on_cpu(
        Net(), {p.name for p in trace.parameters}, (), Workload(40, implementation="loop"), own_batch(batch)[1], False
    )
    assert abs(cost.peak_bytes / real.peak_bytes - 1) < CLOSE


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_flops_are_those_of_the_gates(kind, gates):
    cost = fc.pricer(Net(kind), batch=BATCH).estimate(fc.apply(Net(kind), "train all")).required()
    formula = 2 * SAMPLES * STEPS * gates * HIDDEN * (WIDTH + 3 * HIDDEN)
    assert cost.flops_forward == pytest.approx(formula, rel=0.01)
    assert cost.flops_backward == pytest.approx(2 * formula, rel=0.1)


def test_packed_sequences_are_answered_with_the_reason():
    assert "without running it" in module_pricer(Packed(), WORKLOAD, batch=BATCH).trace.problem


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_on_a_gpu_the_reason_is_cudnn(kind):
    trace = module_pricer(Net(kind), Workload(device="cuda"), batch=BATCH).trace
    assert "'encoder' runs by cuDNN" in trace.problem


def test_following_a_recurrent_layer_says_nothing_on_standard_error():
    code = (
        "import torch, freezecore as fc\n"
        "fc.trace(torch.nn.Sequential(torch.nn.LSTM(4, 4, batch_first=True)), batch=torch.ones(2, 3, 4))"
    )
    bare = {name: value for name, value in os.environ.items() if name != "KINETO_LOG_LEVEL"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=bare, check=True)
    assert done.stderr == ""
