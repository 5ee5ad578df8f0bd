"""Findings about several devices: what data parallelism makes of frozen parameters.

Each was seen: FSDP1 refuses a flat parameter of both kinds (torch/distributed/fsdp/_flat_param.py), DDP stops at the
second step where something that trains gets no gradient, and reads `requires_grad` once, when it wraps
(torch/nn/parallel/distributed.py). A new torch compiles again where it changes.
"""

from __future__ import annotations

from collections.abc import Iterator

from freezecore._review.finding import Case, Finding, by_name, listed


def flat_parameter(case: Case) -> Iterator[Finding]:
    """A block in which some parameters train and some do not."""
    if case.sharding != "fsdp":
        return
    mixed = [b for b in case.tree.blocks if 0 < len(case.training(case.tree.in_block(b))) < len(case.tree.in_block(b))]
    if mixed:
        yield Finding(
            "fsdp1-mixed",
            "warning",
            tuple(mixed),
            "Frozen and training parameters share {blocks}: FSDP1 flattens a block into one parameter, refuses that "
            "where use_orig_params is False, and keeps gradients of all of it where it is True. fully_shard (FSDP2) "
            "shards each by itself.",
            None,
            {"blocks": listed(mixed)},
        )


def unused(case: Case) -> Iterator[Finding]:
    """Parameters that train and that no forward pass reads."""
    positions = [i for i in case.training(case.everything) if case.tree.parameters[i].used is False]
    if case.sharding in ("ddp", "zero1") and positions:
        names = case.names(positions)
        yield Finding(
            "ddp-unused",
            "error",
            names,
            "{names}: trains, yet no forward pass reads it. DistributedDataParallel waits for its gradient and stops "
            "at the second step, unless find_unused_parameters is True, which costs a walk through the graph each "
            "step.",
            by_name("freeze", names),
            {"names": listed(names)},
        )


def schedule(case: Case) -> Iterator[Finding]:
    """A selection that changes while it trains."""
    if case.sharding is None or case.spec is None or len(case.spec.epochs) < 2:
        return
    yield Finding(
        "ddp-schedule",
        "warning",
        (),
        "What trains changes in epoch {epoch}: DistributedDataParallel reads requires_grad once, when it wraps, and "
        "static_graph=True forbids the change. Wrap the model anew there, with find_unused_parameters and static_graph "
        "left False.",
        None,
        {"epoch": str(case.spec.epochs[1])},
    )
    yield Finding(
        "compile-schedule",
        "note",
        (),
        "What trains changes in epoch {epoch}: a model that went through torch.compile before is compiled again there; "
        "an old torch may go on with the old graph, which gives what was unfrozen no gradient. Compile it anew.",
        None,
        {"epoch": str(case.spec.epochs[1])},
    )


CHECKS = (flat_parameter, unused, schedule)
