"""«First n blocks frozen» is one mask at every depth of many models, and the backward pass ends there."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from freezecore._estimate import curve
from freezecore._export.selection import select
from freezecore._export.spec import save_spec
from freezecore._presets import first_blocks, first_blocks_rules, frozen_first_blocks, presets
from freezecore._resolve import resolve
from freezecore.mask import Mask
from freezecore.rules.grammar import parse_spec
from freezecore.rules.shortest import shortest_rules
from freezecore.runtime.build.source import build
from freezecore.runtime.inputs.example import examples
from freezecore.runtime.tree.read import read_module
from freezecore.saved_spec import load_spec
from freezecore.search.sweep import candidates
from freezecore.source import ModelSource
from freezecore.tree import LayerTree
from freezecore.workload import Workload
from tests.freezecore.samples import NAMES, load

ZOO = """
timm:convnextv2_atto timm:swin_tiny_patch4_window7_224 timm:swinv2_tiny_window8_256 timm:levit_128s timm:vgg11
timm:deit_tiny_distilled_patch16_224 timm:densenet121 timm:mobilenetv3_small_050 timm:regnetx_002 timm:mixer_s32_224
timm:cait_xxs24_224 timm:pvt_v2_b0 timm:poolformer_s12 timm:edgenext_xx_small timm:mobilevit_xxs timm:fastvit_t8
timm:xcit_nano_12_p16_224 timm:twins_pcpvt_small timm:visformer_tiny timm:hrnet_w18_small timm:dpn68 timm:nfnet_f0
timm:efficientformer_l1 timm:focalnet_tiny_srf timm:gcvit_xxtiny timm:davit_tiny timm:hiera_tiny_224
timm:crossvit_9_240 config:swin config:convnext config:levit config:segformer config:distilbert config:mt5 config:bart
config:siglip config:detr config:wav2vec2 config:mamba config:funnel
"""
FOLLOWED = """
timm:convnextv2_atto timm:twins_pcpvt_small timm:visformer_tiny timm:cait_xxs24_224 timm:levit_128s timm:pvt_v2_b0
timm:swin_tiny_patch4_window7_224 config:bert config:clip config:swin config:t5
"""
MASKS = ("attention_mask", "decoder_attention_mask")  # a model asks for their values, which nothing on meta has


def built(text: str) -> tuple[torch.nn.Module, LayerTree]:
    """A model on the meta device and its tree."""
    model = build(ModelSource.parse(text)).model
    return model, read_module(model, text, own=True)


def priced_by_the_curve(tree: LayerTree, monkeypatch) -> dict[int, tuple[Mask, str]]:
    """The masks that the depth curve prices, and the rules that it names, by their number of frozen blocks."""
    masks = []
    cost = SimpleNamespace(known=True, peak_bytes=1, flops_backward=1)
    monkeypatch.setattr(curve, "estimate", lambda trace, mask, batch_size: masks.append(mask) or cost)
    points = curve.depth_curve(None, tree)
    return {point.frozen_blocks: (mask, point.rules) for point, mask in zip(points, masks, strict=True)}


@pytest.mark.parametrize("name", [*NAMES, *ZOO.split()])
def test_stepper_curve_sweep_preset_and_exported_rules_freeze_the_same_first_blocks(name, monkeypatch):
    tree = load(name) if name in NAMES else built(name)[1]
    count = len(tree.blocks)
    priced = priced_by_the_curve(tree, monkeypatch)
    swept = {each.frozen_blocks: each.rules for each in candidates(tree, ("depth",))}
    assert max(priced, default=0) == count and set(range(count)) <= set(swept)
    for n in range(count + 1):
        mask, rules = first_blocks(tree, n), first_blocks_rules(tree, n)
        spec = parse_spec(rules)
        assert resolve(spec, tree).trains == mask.trains
        assert resolve(parse_spec(swept.get(n, rules)), tree).trains == mask.trains
        assert n not in priced or (priced[n][0].trains, priced[n][1]) == (mask.trains, rules)
        assert frozen_first_blocks(mask) == (n or None)
        if n % 4 == 1:
            assert resolve(load_spec(save_spec(spec, tree)).spec, tree).trains == mask.trains
            assert resolve(shortest_rules(mask), tree).trains == mask.trains
            exported = select([p.name for p in tree.parameters], mask.names())
            assert [exported.trains(p.name) for p in tree.parameters] == list(mask.trains)
    first = {preset.key: preset.rules for preset in presets(tree)}.get("first-blocks")
    assert first == (first_blocks_rules(tree, min(3, count - 1)) if count > 1 else None)


@pytest.mark.parametrize("name", FOLLOWED.split())
def test_the_backward_pass_ends_behind_the_last_frozen_block(name):
    model, tree = built(name)
    count = len(tree.blocks)
    inputs = next(examples(model, Workload(batch_size=2, sequence_length=16)))
    inputs = replace(inputs, kwargs={key: value for key, value in inputs.kwargs.items() if key not in MASKS})
    for n in (1, count // 2, count // 2 + 2):
        first_blocks(tree, n).apply_to(model)
        needs = {path: [] for path in tree.blocks}
        hooks = [model.get_submodule(path).register_forward_hook(noting(needs[path])) for path in tree.blocks]
        with torch.device("meta"):
            inputs.call(model)
        for hook in hooks:
            hook.remove()
        assert [any(needs[path]) for path in tree.blocks] == [False] * n + [True] * (count - n)


def noting(found: list[bool]):
    """A hook that notes whether what a module returns needs a gradient."""
    return lambda module, args, output: found.append(_first(output).requires_grad)


def _first(output) -> torch.Tensor:
    return output if isinstance(output, torch.Tensor) else _first(next(iter(output)))


def test_of_several_towers_the_next_begins_when_the_last_is_frozen_whole():
    tree = load("t5")
    assert first_blocks_rules(tree, 6) == "freeze embeddings; freeze blocks@encoder:0-5"
    assert first_blocks_rules(tree, 7) == (
        "freeze embeddings; freeze blocks@encoder:0-5; freeze blocks@decoder:0; freeze encoder.final_layer_norm"
    )
    why = next(preset.why for preset in presets(load("clip")))
    assert why.endswith("Blocks are counted in the order in which they run: vision_model, text_model.")


def test_a_mask_that_is_no_prefix_has_no_number_of_first_blocks():
    tree = load("convnext_tiny")
    assert frozen_first_blocks(resolve(parse_spec("freeze stem; freeze blocks:0-3"), tree)) is None
    assert frozen_first_blocks(resolve(parse_spec("freeze all; train head"), tree)) is None
    assert frozen_first_blocks(Mask.as_author(tree)) is None
