"""Small multimodal configurations, a family each, as their `config.json` would hold them."""

from __future__ import annotations

TEXT = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 128, "max_position_embeddings": 2048, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
VISION = {
    "hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 28,
    "patch_size": 7,
}  # fmt: skip
GRID = {"depth": 3, "embed_dim": 16, "hidden_size": 32, "num_heads": 2, "patch_size": 7, "spatial_merge_size": 2}
SECTIONS = {"rope_type": "default", "mrope_section": [2, 1, 1]}
SOUND = {
    "d_model": 24, "encoder_layers": 3, "encoder_attention_heads": 4, "encoder_ffn_dim": 48, "num_mel_bins": 16,
    "max_source_positions": 32,
}  # fmt: skip

FAMILIES: dict[str, dict] = {
    "llava": {
        "vision_config": {"model_type": "clip_vision_model", **VISION}, "text_config": {"model_type": "llama", **TEXT},
        "image_token_index": 100,
    },
    "llava_next": {
        "vision_config": {"model_type": "clip_vision_model", **VISION}, "text_config": {"model_type": "llama", **TEXT},
        "image_token_index": 100, "image_grid_pinpoints": [[28, 56], [56, 28], [56, 56]],
    },
    "internvl": {
        "vision_config": VISION | {"image_size": [28, 28], "patch_size": [7, 7]},
        "text_config": {"model_type": "qwen2", **TEXT}, "image_token_id": 100,
    },
    "gemma3": {
        "vision_config": VISION, "text_config": TEXT, "mm_tokens_per_image": 4, "image_token_index": 100,
    },
    "paligemma": {
        "vision_config": {"model_type": "siglip_vision_model", **VISION, "projection_dim": 32},
        "text_config": {"model_type": "gemma", **TEXT}, "projection_dim": 32, "image_token_index": 100,
    },
    "smolvlm": {
        "vision_config": VISION, "text_config": {"model_type": "llama", **TEXT}, "scale_factor": 2,
        "image_token_id": 100,
    },
    "idefics3": {
        "vision_config": VISION, "text_config": {"model_type": "llama", **TEXT}, "scale_factor": 2,
        "image_token_id": 100,
    },
    "mistral3": {
        "vision_config": {"model_type": "pixtral", **VISION, "head_dim": 6},
        "text_config": {"model_type": "mistral", **TEXT}, "image_token_index": 100, "spatial_merge_size": 2,
    },
    "llama4": {
        "vision_config": VISION | {
            "intermediate_size": 64, "hidden_size": 16, "num_attention_heads": 2,
            "vision_output_dim": 32, "projector_input_dim": 32, "projector_output_dim": 32,
            "pixel_shuffle_ratio": 0.5, "image_size": 28,
        },
        "text_config": TEXT | {
            "num_local_experts": 2, "intermediate_size_mlp": 64, "attn_temperature_tuning": False, "use_qk_norm": False,
        },
        "image_token_index": 100, "boi_token_index": 98, "eoi_token_index": 99,
    },
    "qwen2_vl": {
        "vision_config": GRID, "text_config": TEXT | {"rope_parameters": SECTIONS}, "image_token_id": 100,
        "video_token_id": 101, "vision_start_token_id": 102, "vision_end_token_id": 103,
    },
    "qwen2_5_vl": {
        "vision_config": {
            "depth": 3, "hidden_size": 16, "out_hidden_size": 32, "num_heads": 2, "intermediate_size": 48,
            "patch_size": 7, "spatial_merge_size": 2, "window_size": 28, "fullatt_block_indexes": [1],
        },
        "text_config": TEXT | {"rope_parameters": SECTIONS}, "image_token_id": 100, "video_token_id": 101,
        "vision_start_token_id": 102, "vision_end_token_id": 103,
    },
    "qwen3_vl": {
        "vision_config": {
            "depth": 3, "hidden_size": 16, "out_hidden_size": 32, "num_heads": 2, "intermediate_size": 48,
            "patch_size": 7, "spatial_merge_size": 2, "num_position_embeddings": 16, "deepstack_visual_indexes": [0, 1],
        },
        "text_config": TEXT | {"rope_parameters": SECTIONS | {"rope_theta": 10000.0}}, "image_token_id": 100,
        "video_token_id": 101, "vision_start_token_id": 102, "vision_end_token_id": 103,
    },
    "florence2": {
        "vision_config": {
            "embed_dim": [16, 32], "num_heads": [2, 4], "num_groups": [2, 4], "depths": [1, 2], "patch_size": [7, 3],
            "patch_stride": [4, 2], "patch_padding": [3, 1], "patch_prenorm": [False, True], "window_size": 4,
            "projection_dim": 32,
        },
        "text_config": {
            "model_type": "bart", "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
            "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "vocab_size": 128,
            "max_position_embeddings": 256,
        },
        "image_token_id": 100,
    },
    "qwen2_audio": {"audio_config": SOUND, "text_config": {"model_type": "qwen2", **TEXT}, "audio_token_index": 100},
    "whisper": SOUND | {
        "decoder_layers": 2, "decoder_attention_heads": 4, "decoder_ffn_dim": 48, "vocab_size": 128,
        "max_target_positions": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
        "decoder_start_token_id": 1,
    },
    "clip": {"vision_config": VISION, "text_config": TEXT | {"max_position_embeddings": 64}, "projection_dim": 32},
    "siglip": {
        "vision_config": VISION | {"hidden_size": 32},
        "text_config": TEXT | {"max_position_embeddings": 64, "projection_size": 32},
    },
    "phi4_multimodal": TEXT | {
        "vision_config": VISION | {"crop_size": 28, "image_token_id": 100, "feature_layer": -2},
        "audio_config": {
            "hidden_size": 24, "intermediate_size": 24, "num_blocks": 2, "num_attention_heads": 4, "input_size": 16,
            "ext_pw_out_channel": 24, "nemo_conv_channels": 24, "audio_token_id": 101,
        },
    },
}  # fmt: skip
SIDES = {"florence2": 32, "qwen2_vl": 28, "qwen2_5_vl": 28, "qwen3_vl": 28}  # pixels, where a config names none
TASKS = {
    "whisper": "speech-seq2seq", "qwen2_audio": "multimodal-lm", "clip": None, "siglip": None,
    "phi4_multimodal": "causal-lm",
}  # fmt: skip


def config(family: str) -> dict:
    """What its `config.json` holds."""
    return {"model_type": family, **FAMILIES[family]}


def task(family: str) -> str | None:
    return TASKS.get(family, "image-text-to-text")
