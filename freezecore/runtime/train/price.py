"""What selections of one session's model cost by the estimate: their peak and the work of a step."""

from __future__ import annotations

from freezecore._estimate import Estimate, Pricer
from freezecore._trace import Trace
from freezecore.errors import FreezeError
from freezecore.mask import Mask
from freezecore.probe import ProbeRequest
from freezecore.runtime.trace import source_pricer
from freezecore.runtime.train.session import Session
from freezecore.workload import Workload


class Priced:
    """Estimates of masks from one trace.

    Attributes:
        trace: None where the model cannot be followed.
        why: the reason then, else empty.
    """

    def __init__(self, session: Session, request: ProbeRequest) -> None:
        source = session.source.with_(weights="none")
        self.why = ""
        self._pricer: Pricer | None = None
        try:
            self._pricer = source_pricer(source, workload_of(session, request))
        except FreezeError as error:
            self.why = str(error)

    @property
    def trace(self) -> Trace | None:
        return self._pricer.trace if self._pricer else None

    def estimate(self, mask: Mask) -> Estimate | None:
        """The cost of a step under this mask; None where it is unknown."""
        cost = self._pricer.estimate(mask) if self._pricer else None
        return cost if cost and cost.known else None

    def peak_bytes(self, mask: Mask) -> int | None:
        """Peak training memory; None where it is unknown."""
        cost = self.estimate(mask)
        return cost.peak_bytes if cost else None

    def work(self, mask: Mask) -> tuple[float, float]:
        """FLOPs of a step that a stored prefix leaves (its backward pass, and half as many for the forward of what
        trains), and of a whole plain step. All are 1 where the model cannot be followed."""
        cost = self.estimate(mask)
        if cost is None or not cost.flops_backward:
            return 1.0, 1.0
        plain = float(cost.flops_forward + cost.flops_backward)
        return min(plain, 1.5 * cost.flops_backward), plain


def workload_of(session: Session, request: ProbeRequest) -> Workload:
    """A probe's step as the estimate sees it."""
    size, pictures = session.data.size, session.data.raw.kind == "image"
    return Workload(
        batch_size=min(request.batch_size, len(session.data.train)),
        optimizer=request.optimizer,
        device="cuda" if session.device.type == "cuda" else "cpu",
        image_size=size if pictures else None,
        sequence_length=None if pictures else size,
    )
