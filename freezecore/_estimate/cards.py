"""Cards: how much of a GPU's memory torch can use, and the margin that an estimate needs on top.

`usable_bytes` is what `torch.cuda.get_device_properties(0).total_memory` says, as people's out-of-memory messages
quote it ("GPU 0 has a total capacity of 31.36 GiB"): less than the number on the box. Of Apple's memory, which the
whole machine shares, it is what `torch.mps.recommended_max_memory()` says. The margin is a rule of thumb, not a
measurement of each card (those are `freezecore.calibration`'s): a context with its libraries (CUDA, cuBLAS, cuDNN), and
a share for what the allocator cannot reuse and for kernels' scratch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from freezecore import machine
from freezecore.errors import WorkloadError, none_called, shortened
from freezecore.report import bytes_from_text
from freezecore.sentences import say
from freezecore.workload import CHOICES, ComputeCapability

GIB = 2**30
CONTEXT_BYTES = 600 * 10**6
SLACK_SHARE = 0.06


@dataclass(frozen=True, slots=True)
class Card:
    """A graphics card.

    Attributes:
        name: as people call it, with the number on its box.
        usable_bytes: what torch can allocate in all.
        compute_capability: by which torch chooses its kernels, such as 7.5.
        present: it is in this machine.
        maker: whose kernels run on it; of others than NVIDIA's none are followed here.
    """

    name: str
    usable_bytes: int
    compute_capability: str = "8.0"
    present: bool = False
    maker: str = "NVIDIA"

    @property
    def kernels(self) -> ComputeCapability:
        """The newest compute capability whose kernels are known here and run on it."""
        known = CHOICES["compute_capability"]
        older = [each for each in known if float(each) <= float(self.compute_capability)]
        return cast(ComputeCapability, older[-1] if older else known[0])

    @property
    def assumed(self) -> str:
        """Whose kernels an estimate for it assumes, where they are not its own; else an empty text."""
        if self.maker == "NVIDIA":
            return ""
        return say("{maker}'s kernels are not followed: NVIDIA's of compute capability {kernels} are assumed",
                   maker=self.maker, kernels=self.kernels)  # fmt: skip

    @property
    def native_bf16(self) -> bool:
        """Whether it computes in bfloat16 itself; others emulate it slowly."""
        return float(self.compute_capability) >= 8

    @property
    def slug(self) -> str:
        """Its name in a link: `t4-16` for `T4 16 GB`."""
        return "-".join(self.name.removesuffix(" GB").lower().replace("(", "").replace(")", "").split())

    @property
    def box_name(self) -> str:
        """Its name with the unit that its box means: cards are sold by the GiB, and their makers write GB."""
        return self.name.removesuffix("GB") + "GiB" * self.name.endswith("GB")


CARDS: tuple[Card, ...] = (
    Card("RTX 3060 12 GB", int(11.76 * GIB), "8.6"),
    Card("T4 16 GB", int(14.56 * GIB), "7.5"),
    Card("P100 16 GB", int(15.89 * GIB), "6.0"),
    Card("L4 24 GB", int(22.03 * GIB), "8.9"),
    Card("RTX 4090 24 GB", int(23.64 * GIB), "8.9"),
    Card("A100 40 GB", int(39.39 * GIB)),
    Card("A100 80 GB", int(79.15 * GIB)),
    Card("H100 80 GB", int(79.10 * GIB), "9.0"),
    Card("H200 141 GB", int(139.72 * GIB), "9.0"),
    Card("RTX 5080 16 GB", int(15.47 * GIB), "12.0"),
    Card("RTX 5090 32 GB", int(31.36 * GIB), "12.0"),  # TrajectoryCrafter/TrajectoryCrafter#20
    Card("B200 180 GB", int(178.35 * GIB), "10.0"),
    Card("MI300X 192 GB", int(191.98 * GIB), "9.0", maker="AMD"),
    Card("Apple 16 GB", int(11.84 * GIB), maker="Apple"),  # AlexsJones/llmfit#754, an M3
    Card("Apple 24 GB", int(17.76 * GIB), maker="Apple"),  # pytorch/pytorch#189215
)
MARGIN_SENTENCE = say(
    "Kept free beside the estimate: {megabytes:.0f} MB for the CUDA context and its libraries, "
    "and {share:.0%} for what the allocator cannot reuse and for kernels' scratch memory.",
    megabytes=CONTEXT_BYTES / 10**6,
    share=SLACK_SHARE,
)


def margin_bytes(peak_bytes: int) -> int:
    """What to keep free beside an estimated peak: context, allocator slack and kernels' scratch memory."""
    return CONTEXT_BYTES + int(peak_bytes * SLACK_SHARE)


def all_cards() -> tuple[Card, ...]:
    """The cards above, after those in this machine."""
    return (*cards_here(), *CARDS)


def card_called(name: str) -> Card:
    """The card of this name, or of its beginning, such as `T4`; or so much memory, such as `16GB`.

    Raises:
        WorkloadError: there is none, or several have this name.
    """
    words = name.lower().split()
    cards = all_cards() if words else ()
    named = [card for card in cards if "".join(card.name.lower().split()).startswith("".join(words))]
    named = named or [card for card in cards if set(words) <= set(card.name.lower().split())]
    if len(named) > 1:
        raise WorkloadError(
            "'{name}' is more than one card.",
            "Choose one of {names}.",
            name=shortened(name),
            names=", ".join(card.name for card in named),
        )
    if named:
        return named[0]
    try:
        return Card(name, bytes_from_text(name))
    except WorkloadError:
        names = (card.name for card in all_cards())
        raise none_called(WorkloadError, "There is no card called '{name}'.", name, names) from None


def cards_here() -> tuple[Card, ...]:
    """Cards in this machine; empty without one."""
    return tuple(
        Card(f"{gpu.name} (this machine)", gpu.usable_bytes, str(gpu.compute_capability), present=True)
        for gpu in machine.gpus()
    )
