"""Speech models: they mask a part of the sound at random, ask for the sound's gradient, and have wide kernels."""

import copy

import pytest
import transformers

from freezecore._estimate.cost import estimate_names, trained
from freezecore.mask import Mask
from freezecore.runtime.trace import module_pricer
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.runtime.trace.tracer import _skipped
from freezecore.runtime.tree.read import read_module
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import on_cpu

LOOP = Workload(batch_size=2, implementation="loop")
SMALL = {"hidden_size": 96, "intermediate_size": 128, "num_attention_heads": 4, "num_hidden_layers": 2,
         "layerdrop": 0.0, "num_conv_pos_embedding_groups": 2}  # fmt: skip


def speech(kind):
    config = transformers.AutoConfig.for_model(kind, **SMALL)
    return transformers.AutoModelForAudioClassification.from_config(config)


@pytest.fixture(scope="module", params=["wav2vec2", "sew"])
def followed(request):
    model = speech(request.param)
    return model, read_module(model, request.param), module_pricer(model, LOOP)


def both(followed, trains):
    """The peak as estimated, with the convolutions' scratch, and as the allocator shows it."""
    model, tree, pricer = followed
    names = [name for name, _ in model.named_parameters() if trains(name)]
    mask = Mask.from_names(tree, names)
    trace = pricer.complete([mask])
    cost = estimate_names(trace, trained(trace, mask), ()).required()
    inputs = tracer_of(model, LOOP).inputs
    return cost, on_cpu(copy.deepcopy(model), set(names), (), LOOP, inputs, False).peak_bytes


@pytest.mark.parametrize(
    "trains",
    [
        lambda name: True,
        lambda name: name.startswith(("classifier", "projector")),
        lambda name: name.endswith("bias"),
    ],
    ids=["all", "head", "biases"],
)
def test_a_speech_model_takes_what_is_estimated(followed, trains):
    cost, real = both(followed, trains)
    assert cost.peak_with_scratch == pytest.approx(real, rel=0.03)
    assert any("mask selects" in text for text in cost.left_out)


def test_with_its_head_alone_the_gradient_still_runs_back_to_the_sound():
    """transformers sets `requires_grad` on what its feature extractor takes, while it is in train mode."""
    model = speech("wav2vec2")
    followed = model, read_module(model, "speech"), module_pricer(model, LOOP)
    asking = both(followed, lambda name: name.startswith("classifier"))[0]
    model.freeze_feature_encoder()
    model.wav2vec2.feature_extractor._requires_grad = False
    quiet = both((model, followed[1], module_pricer(model, LOOP)), lambda name: name.startswith("classifier"))[0]
    assert asking.flops_backward > 100 * quiet.flops_backward


@pytest.mark.parametrize(
    ("kind", "setting"), [("wav2vec2", "layerdrop"), ("bart", "encoder_layerdrop"), ("whisper", "decoder_layerdrop")]
)
def test_layers_that_chance_skips_are_counted_and_told(kind, setting):
    names = ("layerdrop", "encoder_layerdrop", "decoder_layerdrop")
    small = dict.fromkeys(("hidden_size", "d_model", "intermediate_size"), 32) | {"num_conv_pos_embedding_groups": 2}
    small |= dict.fromkeys(("num_attention_heads", "encoder_attention_heads", "decoder_attention_heads"), 2)
    small |= dict.fromkeys(("num_hidden_layers", "encoder_layers", "decoder_layers"), 1)
    for chance, told in ((0.25, [f"whole layers are skipped at random ({setting} 0.25): all are counted"]), (0.0, [])):
        config = transformers.AutoConfig.for_model(kind, **small, **dict.fromkeys(names, 0.0) | {setting: chance})
        assert list(_skipped(transformers.AutoModel.from_config(config))) == told
