"""The prober: tries operations alone, each combination once, and remembers what came of it."""

from __future__ import annotations

from freezecore.runtime.trace.attention import WholeTrial
from freezecore.runtime.trace.probing import Kept, Returned, Trial
from freezecore.runtime.trace.signature import Signature


class Prober:
    """Tries operations alone, and remembers."""

    def __init__(self) -> None:
        self._trials: dict[tuple[Signature, int], Trial | WholeTrial] = {}
        self._returned: dict[tuple[Signature, int, int], Returned] = {}

    def kept(self, signature: Signature, needs: int) -> Kept:
        """What is kept when the inputs in the bit set `needs` need a gradient."""
        return self._trial(signature, needs).kept

    def returned(self, signature: Signature, needs: int, received: int) -> Returned:
        """What the backward step makes of gradients for the outputs in the bit set `received`."""
        key = (signature, needs, received)
        if key not in self._returned:
            self._returned[key] = self._trial(signature, needs).backward(received)
        return self._returned[key]

    def _trial(self, signature: Signature, needs: int) -> Trial | WholeTrial:
        if (signature, needs) not in self._trials:
            self._trials[signature, needs] = (WholeTrial if signature.whole else Trial)(signature, needs)
        return self._trials[signature, needs]
