"""One step as an estimate describes it, run for real on a device, with the allocator's peak; a process for each.

    python -m freezecore.runtime.train.calibrate DEVICE SOURCE RULES PRECISION BATCH_SIZE

prints one line of JSON: estimated, allocated, reserved. The step is the second of a plain loop, when the optimizer has
its state.
"""

from __future__ import annotations

import contextlib
import gc
import json
import sys

import torch
from torch import Tensor

from freezecore import machine
from freezecore._resolve import resolve
from freezecore.api import pricer
from freezecore.cache.keys import versions
from freezecore.calibration import Calibration
from freezecore.runtime.build.source import build
from freezecore.runtime.device import choose, describe, synchronize
from freezecore.runtime.own.hold import hold
from freezecore.runtime.trace.loss import find_output, loss_function, predicts_next, targets
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.runtime.train.step import bytes_of, peak_of
from freezecore.runtime.tree.layers import read_module
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.workload import Workload

HALF = {"bf16-autocast": torch.bfloat16, "fp16-autocast": torch.float16}


def card_of(wanted: str) -> Calibration:
    """The device by this name, nothing measured on it.

    Raises:
        ProbeError: this machine has none.
    """
    device = choose(wanted)
    known = versions()
    if device.type != "cuda":
        return Calibration(describe(device), "cpu", machine.free_bytes() or sys.maxsize >> 2, versions=known)
    properties = torch.cuda.get_device_properties(device)
    capability = f"{properties.major}.{properties.minor}"
    return Calibration(describe(device), "cuda", properties.total_memory, capability, versions=known)


def measure(device_name: str, source: ModelSource, rules: str, workload: Workload) -> dict:
    """Estimated, allocated and reserved bytes of one step."""
    device = torch.device(device_name)
    model = build(source.with_(weights="random")).model
    tree = read_module(model, str(source))
    mask = resolve(FreezeSpec.parse(rules), tree)
    cost = pricer(source.with_(weights="none"), workload).estimate(mask).required()
    inputs = tracer_of(model, workload).inputs
    mask.apply_to(model)
    hold(model.to(device), mask)
    model.train()
    args, kwargs = inputs(workload.batch_size, device.type)
    with torch.no_grad():
        kind, outputs = find_output(model(*args, **kwargs))
    wanted = targets(kind, outputs)
    loss_of = loss_function(kind, predicts_next(model))
    del outputs
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad])

    def step() -> None:
        half = HALF.get(workload.precision)
        with torch.autocast(device.type, half) if half else contextlib.nullcontext():
            loss = loss_of(find_output(model(*args, **kwargs))[1], wanted)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    step()
    gc.collect()
    batch = [item for item in (*args, *kwargs.values(), wanted) if isinstance(item, Tensor)]
    with peak_of(model, optimizer, device) as peak:
        step()
        synchronize(device)
    on_cuda = device.type == "cuda"
    allocated = None if peak.bytes is None else peak.bytes + (0 if on_cuda else bytes_of(batch))
    reserved = torch.cuda.max_memory_reserved(device) if on_cuda else None
    return {"estimated": cost.peak_bytes, "allocated": allocated, "reserved": reserved}


def main() -> None:
    device, source, rules, precision, batch_size = sys.argv[1:]
    capability = card_of(device).compute_capability
    kernels = {"compute_capability": capability} if capability else {}
    workload = Workload(int(batch_size), device=device, precision=precision, **kernels)  # type: ignore[arg-type]
    print(json.dumps(measure(device, ModelSource.parse(source), rules, workload)))


if __name__ == "__main__":
    main()
