"""The workload's optimizers as PyTorch code builds them, and as transformers' Trainer calls or builds them."""

from __future__ import annotations

TORCH: dict[str, tuple[str, tuple[str, ...]]] = {  # the class, and what it is given beside a learning rate
    "adamw": ("torch.optim.AdamW", ()),
    "adamw-8bit": ("bitsandbytes.optim.AdamW8bit", ()),
    "paged-adamw-8bit": ("bitsandbytes.optim.PagedAdamW8bit", ()),
    "adafactor": ("torch.optim.Adafactor", ()),
    "lion": ("lion_pytorch.Lion", ()),
    "sgd": ("torch.optim.SGD", ()),
    "sgd-momentum": ("torch.optim.SGD", ("momentum=0.9",)),
}
CLASSES = {
    "torch": TORCH,
    "transformers": TORCH | {  # those that its Trainer takes by the names below; rates as torch's Adafactor has
        "adafactor": ("transformers.Adafactor", ("scale_parameter=True", "relative_step=False")),
        "lion": ("bitsandbytes.optim.Lion", ()),
    },
}  # fmt: skip
OPTIM = {  # as transformers' arguments call them
    "adamw": "adamw_torch",
    "adamw-8bit": "adamw_8bit",
    "paged-adamw-8bit": "paged_adamw_8bit",
    "adafactor": "adafactor",
    "lion": "lion_32bit",
    "sgd": "sgd",
    "sgd-momentum": "sgd",
}
