"""Write the trees of this folder anew from live models: `python tests/freezecore/trees/make.py`."""

import gzip
import json
from pathlib import Path

from freezecore.runtime.build.source import build
from freezecore.runtime.tree.read import read_module
from freezecore.source import ModelSource

FOLDER = Path(__file__).parent
SOURCES = {
    "resnet18": ("timm:resnet18", None),
    "resnet101": ("timm:resnet101", None),
    "efficientnet_b0": ("timm:efficientnet_b0", None),
    "convnext_tiny": ("timm:convnext_tiny", None),
    "vit_tiny": ("timm:vit_tiny_patch16_224", None),
    "bert": ("config:bert", "sequence-classification"),
    "bert_base": ("config:bert", "base"),
    "vit_hf": ("config:vit", "image-classification"),
    "gpt2": ("config:gpt2", "causal-lm"),
    "llama": ("config:llama", "causal-lm"),
    "t5": ("config:t5", "seq2seq-lm"),
    "clip": ("config:clip", None),
    "whisper": ("config:whisper", "speech-seq2seq"),
    "albert": ("config:albert", "sequence-classification"),
}


def main() -> None:
    """Each tree as compressed JSON, the same bytes for the same tree."""
    for name, (text, task) in SOURCES.items():
        source = ModelSource.parse(text, task=task)
        built = build(source)
        tree = read_module(built.model, str(source), new=built.new)
        content = json.dumps(tree.to_json(), separators=(",", ":")).encode()
        (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(content, 9, mtime=0))
        print(f"{name:16} {tree!r}")


if __name__ == "__main__":
    main()
