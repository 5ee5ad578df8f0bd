"""The models and masks of the memory benchmarks, chosen before the first result was seen."""

# ruff: noqa: SIM905 a list of names is read more easily as one text

from __future__ import annotations

import random

TIMM = (
    "resnet18 resnet50 resnet26d resnext50_32x4d wide_resnet50_2 seresnet50 resnetv2_50 resnetaa50 ecaresnet26t "
    "res2net50_26w_4s regnetx_008 regnety_016 densenet121 vgg11 vgg16_bn inception_v3 inception_v4 xception41 dpn68 "
    "dla34 hrnet_w18_small mobilenetv2_100 mobilenetv3_large_100 mobilenetv4_conv_small efficientnet_b0 "
    "efficientnetv2_rw_s tf_efficientnet_lite0 mnasnet_100 mixnet_s ghostnet_100 fbnetc_100 tinynet_a lcnet_100 "
    "rexnet_100 repvgg_a2 mobileone_s1 fastvit_t8 edgenext_small convnext_tiny convnextv2_nano convmixer_768_32 "
    "nfnet_l0 nf_regnet_b1 vovnet39a selecsls42b ghostnetv2_100 vit_tiny_patch16_224 vit_base_patch16_224 "
    "deit3_small_patch16_224 beit_base_patch16_224 eva02_tiny_patch14_224 cait_xxs24_224 xcit_nano_12_p16_224 "
    "swin_tiny_patch4_window7_224 swinv2_tiny_window8_256 coat_tiny convit_tiny crossvit_9_240 levit_128 "
    "maxvit_tiny_tf_224 mvitv2_tiny poolformer_s12 pvt_v2_b0 mixer_s16_224 resmlp_12_224"
).split()
TRANSFORMERS = (
    ("bert", "sequence-classification"),
    ("bert", "token-classification"),
    ("bert", "masked-lm"),
    ("bert", "base"),
    ("roberta", "sequence-classification"),
    ("distilbert", "sequence-classification"),
    ("albert", "sequence-classification"),
    ("electra", "sequence-classification"),
    ("deberta-v2", "sequence-classification"),
    ("deberta", "sequence-classification"),
    ("mpnet", "sequence-classification"),
    ("camembert", "token-classification"),
    ("funnel", "sequence-classification"),
    ("fnet", "sequence-classification"),
    ("modernbert", "sequence-classification"),
    ("xlm-roberta", "sequence-classification"),
    ("convbert", "sequence-classification"),
    ("squeezebert", "sequence-classification"),
    ("gpt2", "causal-lm"),
    ("gpt_neo", "causal-lm"),
    ("gpt_neox", "causal-lm"),
    ("opt", "causal-lm"),
    ("bloom", "causal-lm"),
    ("t5", "seq2seq-lm"),
    ("bart", "seq2seq-lm"),
    ("pegasus", "seq2seq-lm"),
    ("whisper", "speech-seq2seq"),
    ("wav2vec2", "audio-classification"),
    ("hubert", "audio-classification"),
    ("clip", "base"),
    ("siglip", "base"),
    ("vit", "image-classification"),
    ("dinov2", "image-classification"),
    ("segformer", "image-classification"),
    ("mobilevit", "image-classification"),
)
MODELS: tuple[tuple[str, str | None], ...] = (*((f"timm:{name}", None) for name in TIMM),) + tuple(
    (f"config:{kind}", task) for kind, task in TRANSFORMERS
)
assert len(MODELS) == 100

# for the real allocator: 20 models, and others on which the correction for convolutions is fitted
REAL = (
    "resnet18 resnet50 mobilenetv3_large_100 efficientnet_b0 convnext_tiny regnetx_008 densenet121 repvgg_a2 "
    "vit_tiny_patch16_224 swin_tiny_patch4_window7_224 mixer_s16_224 mobilenetv2_100"
).split()
REAL_TRANSFORMERS = (
    ("bert", "sequence-classification"),
    ("distilbert", "sequence-classification"),
    ("roberta", "token-classification"),
    ("electra", "sequence-classification"),
    ("deberta-v2", "sequence-classification"),
    ("gpt2", "causal-lm"),
    ("opt", "causal-lm"),
    ("vit", "image-classification"),
)
REAL_MODELS: tuple[tuple[str, str | None], ...] = (*((f"timm:{name}", None) for name in REAL),) + tuple(
    (f"config:{kind}", task) for kind, task in REAL_TRANSFORMERS
)
assert len(REAL_MODELS) == 20
FITTED_ON = (
    "timm:resnet26d timm:seresnet50 timm:mnasnet_100 timm:tf_efficientnet_lite0 timm:regnety_016 timm:vgg11 "
    "timm:convnextv2_nano timm:dla34"
).split()

MASKS = ("full", "head", "biases", "first third frozen", "middle third trains", "random 1", "random 2", "random 3")
REAL_MASKS = ("full", "head", "first half frozen", "biases", "random 1")


def chosen(names: list[str], head: list[str], mask: str) -> set[str]:
    """Names of the parameters that train under one of the masks above; random ones are seeded by their text."""
    count = len(names)
    if mask == "full":
        return set(names)
    if mask == "head":
        return set(head)
    if mask == "biases":
        return {name for name in names if name.endswith("bias")} or set(head)
    if mask == "first third frozen":
        return set(names[count // 3 :])
    if mask == "first half frozen":
        return set(names[count // 2 :])
    if mask == "middle third trains":
        return set(names[count // 3 : 2 * count // 3])
    draw = random.Random(f"{mask} {names[0]} {count}")
    return set(draw.sample(names, max(1, round(count * draw.uniform(0.1, 0.9)))))
