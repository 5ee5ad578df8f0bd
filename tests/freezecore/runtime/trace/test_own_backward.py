"""Backward steps that a model's code writes itself, against the real allocator: followed, or refused with why."""

import pytest
import torch
import torch.nn.functional as F
from timm.layers import activations_me
from torch import nn
from transformers import BloomConfig, BloomForCausalLM, YosoConfig, YosoForMaskedLM

from freezecore._estimate.cost import estimate_names
from freezecore.runtime.trace import module_pricer
from freezecore.workload import Workload
from tests.freezecore.runtime.trace.own_steps import STRAY, WORKLOAD, estimated, taken

BATCH = torch.randn(64, 32)
WORDS = torch.randint(0, 100, (4, 32))


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        gate = torch.sigmoid(x)
        return gradient * gate * (1 + x * (1 - gate))


class Recomputed(torch.autograd.Function):
    """A layer with its weights, run again in its backward step by autograd itself."""

    @staticmethod
    def forward(context, x, wide, narrow, times=2):
        context.save_for_backward(x, wide, narrow)
        context.times = times
        return F.gelu(x @ wide.t() * times) @ narrow.t()

    @staticmethod
    def backward(context, gradient):
        x, wide, narrow = context.saved_tensors
        with torch.enable_grad():
            hidden = (x @ wide.t() * context.times).detach().requires_grad_()
            act = F.gelu(hidden)
        (inner,) = torch.autograd.grad(act, hidden, gradient @ narrow)
        return inner @ wide * context.times, inner.t() @ x * context.times, gradient.t() @ act.detach(), None


class Pairs(torch.autograd.Function):
    """Saves much that is neither given nor returned; one of its results may get no gradient, another never does."""

    @staticmethod
    def forward(context, x, options):
        pairs = x[:, :, None] * x[:, None, :]
        bent = pairs.tanh()
        context.save_for_backward(pairs, bent)
        largest = bent.argmax(1)
        context.mark_non_differentiable(largest)
        return bent.sum(2), bent.mean(1) + options["more"], largest

    @staticmethod
    def backward(context, rows, columns, _):
        pairs, bent = context.saved_tensors
        inner = (1 - bent * bent) * (rows[:, :, None] + columns[:, None, :])
        return (inner * pairs).sum(2), None


class Apart(torch.autograd.Function):
    @staticmethod
    def forward(x, y):
        return x * y

    @staticmethod
    def setup_context(context, inputs, output):
        context.save_for_backward(*inputs)

    @staticmethod
    def backward(context, gradient):
        x, y = context.saved_tensors
        wanted = context.needs_input_grad
        return gradient * y if wanted[0] else None, gradient * x if wanted[1] else None


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x

    @staticmethod
    def backward(context, gradient):
        return -gradient


class InPlace(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        context.mark_dirty(x)
        x.clamp_(min=0)
        context.save_for_backward(x)
        return x

    @staticmethod
    def backward(context, gradient):
        return gradient * (context.saved_tensors[0] > 0)


class Keeping(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        context.x = x
        return x * x

    @staticmethod
    def backward(context, gradient):
        return 2 * context.x * gradient


class Reaching(torch.autograd.Function):
    @staticmethod
    def forward(context, x, layer):
        return x @ layer.weight

    @staticmethod
    def backward(context, gradient):
        return gradient, None


class Between(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.first, self.middle, self.last = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 5)
        self.activation = activation

    def forward(self, x):
        return self.last(self.activation(self.middle(self.activation(self.first(x)))))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(32, 32), nn.Linear(32, 5)
        self.wide, self.narrow = nn.Parameter(torch.randn(128, 32)), nn.Parameter(torch.randn(32, 128))

    def forward(self, x):
        return self.last(Recomputed.apply(self.first(x), self.wide, self.narrow))


def bloom():
    return BloomForCausalLM(BloomConfig(vocab_size=100, hidden_size=64, n_layer=1, n_head=4, hidden_dropout=0.1))


def yoso():
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128}
    return YosoForMaskedLM(YosoConfig(vocab_size=100, max_position_embeddings=66, **sizes))


LANGUAGE = {"input_ids": WORDS, "labels": WORDS}
MODELS = {
    "a class's apply, held by the model": (lambda: Between(Swish.apply), BATCH),
    "one that recomputes": (Layer, BATCH),
    "one that saves much": (lambda: Between(lambda x: sum(Pairs.apply(x, {"more": 1})[:2])), BATCH),
    "a result that is not used": (lambda: Between(lambda x: Pairs.apply(x, {"more": 1})[0]), BATCH),
    "a context of its own": (lambda: Between(lambda x: Apart.apply(x, x.sin())), BATCH),
    "its argument handed back": (lambda: Between(Reversed.apply), BATCH),
    "in place": (lambda: Between(InPlace.apply), BATCH),
    "timm's Swish": (lambda: Between(activations_me.SwishMe()), BATCH),
    "timm's hard sigmoid": (lambda: Between(activations_me.HardSigmoidMe()), BATCH),
    "BLOOM": (bloom, LANGUAGE),
    "YOSO": (yoso, LANGUAGE),
}
PARTS = {
    "everything": lambda name: True,
    "the last layer": lambda name: name.startswith(("last", "transformer.ln_f", "cls")),
    "what comes first": lambda name: name.startswith(("first", "transformer.h.0", "yoso.encoder.layer.0")),
}


@pytest.fixture(scope="module", params=MODELS)
def followed(request):
    build, batch = MODELS[request.param]
    return build, batch, module_pricer(build(), WORKLOAD, batch=batch)


@pytest.mark.parametrize("part", PARTS)
def test_a_step_is_priced_as_the_real_allocator_sees_it(followed, part):
    build, batch, pricer = followed
    assert not pricer.trace.problem
    trains = {p.name for p in pricer.trace.parameters if PARTS[part](p.name)}
    real = taken(build, batch, pricer.trace, trains)
    slack = max(STRAY, real // 400 if build is yoso else 0)  # its head alone: 2 kB
    assert abs(estimated(pricer.trace, trains).required().peak_bytes - real) <= slack


@pytest.mark.parametrize(
    ("activation", "why"),
    [
        (lambda model, x: Keeping.apply(x), "Keeping keeps tensors"),
        (lambda model, x: Reaching.apply(x, model.middle), "reads what trains"),
        (lambda model, x: InPlace.apply(x[:, :16]).repeat(1, 2), "into a view"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_why(activation, why):
    class Model(Between):
        def forward(self, x):
            return self.last(activation(self, self.first(x)))

    pricer = module_pricer(Model(None), WORKLOAD, batch=BATCH)
    assert why in pricer.trace.problem
    assert not estimate_names(pricer.trace, pricer.trace.parameters, ()).known


@pytest.mark.parametrize("precision", ["fp32", "bf16-autocast", "bf16"])
def test_it_is_followed_for_a_card_too(precision):
    pricer = module_pricer(bloom(), Workload(device="cuda", precision=precision), batch=LANGUAGE)
    assert "GeLUFunction" in {operation.name for operation in pricer.trace.operations}
    assert estimate_names(pricer.trace, pricer.trace.parameters, ()).known


def test_where_no_gradient_passes_its_steps_are_written_down_one_by_one():
    def aside(x):
        with torch.no_grad():
            return Swish.apply(x)

    trace = module_pricer(Between(aside), WORKLOAD, batch=BATCH).trace
    assert {"Swish", "sigmoid"} & {operation.name for operation in trace.operations} == {"sigmoid"}
