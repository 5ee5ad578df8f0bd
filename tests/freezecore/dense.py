"""Small detectors and segmentations of transformers, a family each, as their `config.json` would hold them."""

from __future__ import annotations

RESNET = {
    "model_type": "resnet", "embedding_size": 8, "hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 2],
    "layer_type": "basic", "out_features": ["stage4"],
}  # fmt: skip
SCALES = RESNET | {"out_features": ["stage2", "stage3", "stage4"]}
SWIN = {
    "model_type": "swin", "image_size": 64, "patch_size": 4, "embed_dim": 8, "depths": [1, 1, 1, 2],
    "num_heads": [1, 2, 2, 4], "window_size": 2, "drop_path_rate": 0.0,
    "out_features": ["stage1", "stage2", "stage3", "stage4"],
}  # fmt: skip
VIT = {
    "hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 4, "num_attention_heads": 4, "image_size": 64,
    "patch_size": 16,
}  # fmt: skip
DETR = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "num_queries": 20, "use_timm_backbone": False,
    "use_pretrained_backbone": False, "backbone": None, "backbone_config": RESNET,
}  # fmt: skip
RT_DETR = {
    "d_model": 32, "encoder_hidden_dim": 32, "encoder_in_channels": [16, 24, 32], "encoder_layers": 1,
    "encoder_ffn_dim": 48, "encoder_attention_heads": 4, "decoder_in_channels": [32, 32, 32], "decoder_layers": 2,
    "decoder_ffn_dim": 48, "decoder_attention_heads": 4, "num_queries": 20, "num_denoising": 10,
    "freeze_backbone_batch_norms": True, "backbone_config": {
        "model_type": "rt_detr_resnet", "embedding_size": 8, "hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 2],
        "layer_type": "basic", "out_features": ["stage2", "stage3", "stage4"],
    },
}  # fmt: skip
HGNET = {
    "model_type": "hgnet_v2", "stem_channels": [3, 8, 8], "stage_in_channels": [8, 16, 24, 32],
    "stage_mid_channels": [4, 8, 8, 8], "stage_out_channels": [16, 24, 32, 48], "stage_num_blocks": [1, 1, 1, 1],
    "stage_numb_of_layers": [2, 2, 2, 2], "hidden_sizes": [16, 24, 32, 48],
    "out_features": ["stage2", "stage3", "stage4"],
}  # fmt: skip

DETECTORS: dict[str, dict] = {
    "detr": DETR,
    "conditional_detr": DETR,
    "table-transformer": DETR,
    "deformable_detr": DETR | {"backbone_config": SCALES, "num_feature_levels": 3, "encoder_n_points": 2,
                               "decoder_n_points": 2},
    "rt_detr": RT_DETR,
    "rt_detr_v2": RT_DETR,
    "d_fine": RT_DETR | {"encoder_in_channels": [24, 32, 48], "backbone_config": HGNET, "hidden_expansion": 1.0,
                         "decoder_n_points": [2, 2, 2]},
    "yolos": VIT | {"image_size": [64, 64], "num_detection_tokens": 10},
}  # fmt: skip
SEGMENTATIONS: dict[str, dict] = {
    "segformer": {
        "num_encoder_blocks": 4, "depths": [1, 1, 1, 2], "hidden_sizes": [8, 16, 24, 32],
        "num_attention_heads": [1, 2, 2, 4], "decoder_hidden_size": 24,
    },
    "upernet": {"backbone_config": SWIN, "hidden_size": 24, "auxiliary_channels": 16, "auxiliary_in_channels": 32},
    "beit": VIT | {"out_indices": [1, 2, 3, 4], "pool_scales": [1, 2], "auxiliary_channels": 16},
    "dpt": VIT | {
        "neck_hidden_sizes": [8, 12, 16, 24], "fusion_hidden_size": 16, "backbone_out_indices": [0, 1, 2, 3],
        "reassemble_factors": [4, 2, 1, 0.5], "is_hybrid": False,
    },
    "mobilevit": {
        "hidden_sizes": [16, 24, 32], "neck_hidden_sizes": [8, 8, 12, 16, 24, 32, 40], "image_size": 64,
        "aspp_out_channels": 24, "num_attention_heads": 2,
    },
    "mobilenet_v2": {"depth_multiplier": 0.25, "image_size": 64, "finegrained_output": True},
    "maskformer": {
        "backbone_config": SWIN, "fpn_feature_size": 32, "mask_feature_size": 32, "decoder_config": {
            "model_type": "detr", "d_model": 32, "encoder_layers": 1, "decoder_layers": 2, "decoder_ffn_dim": 48,
            "encoder_ffn_dim": 48, "decoder_attention_heads": 4, "encoder_attention_heads": 4, "num_queries": 10,
        },
    },
    "mask2former": {
        "backbone_config": SWIN, "feature_size": 32, "mask_feature_size": 32, "hidden_dim": 32, "encoder_layers": 1,
        "encoder_feedforward_dim": 48, "decoder_layers": 3, "dim_feedforward": 48, "num_attention_heads": 4,
        "num_queries": 10, "train_num_points": 64,
    },
}  # fmt: skip
TASKS = {"maskformer": "instance-segmentation", "mask2former": "universal-segmentation"}
FAMILIES = DETECTORS | SEGMENTATIONS


def config(family: str) -> dict:
    """What its `config.json` holds."""
    return {"model_type": family, **FAMILIES[family]}


def task(family: str) -> str:
    return "object-detection" if family in DETECTORS else TASKS.get(family, "semantic-segmentation")
