"""Wrapped models: named as inside; refused where it is too late to freeze, or no process holds a parameter whole."""

import pytest
import torch
from torch import nn

import freezecore as fc


def small() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


class InOneProcess(nn.parallel.DistributedDataParallel):
    """What DistributedDataParallel looks like from outside, without a process group."""

    def __init__(self, module: nn.Module) -> None:
        nn.Module.__init__(self)
        self.module = module


WRAPPERS = {
    "compiled": torch.compile,
    "data parallel": nn.DataParallel,
    "both": lambda model: nn.DataParallel(torch.compile(model)),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_wrapped_model_is_named_as_inside_and_held_through_its_wrapper(wrap):
    model = small()
    wrapped = wrap(model)
    mask = fc.apply(wrapped, "freeze all; train 2")
    assert mask.names() == ("2.weight", "2.bias")
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["2.weight", "2.bias"]
    wrapped.train()
    assert [m.training for m in model[1:]] == [False, True]
    with fc.proof(wrapped), torch.no_grad():
        model[2].weight.add_(1)
    with pytest.raises(fc.FreezeError, match=r"'?0\.weight"), fc.proof(wrapped), torch.no_grad():
        model[0].weight.add_(1)


def test_a_module_with_a_lone_child_is_no_wrapper():
    model = nn.Sequential(small())
    assert fc.apply(model, "freeze 0.0").names() == ("0.1.weight", "0.1.bias", "0.2.weight", "0.2.bias")


@pytest.mark.parametrize("freeze", [fc.apply, fc.unfreezing])
def test_what_is_wrapped_for_many_processes_is_frozen_too_late(freeze):
    with pytest.raises(fc.FreezeError, match="DistributedDataParallel read what trains when it wrapped this model"):
        freeze(InOneProcess(small()), "freeze 0")
    model = small()
    fc.apply(model, "freeze 0")
    with fc.proof(InOneProcess(model)):
        pass


@pytest.mark.parametrize("rank", ["zero", "flat"])
def test_sharded_parameters_are_refused_in_a_sentence(rank):
    model = small()
    if rank == "zero":
        model[0].weight.ds_id = 0  # as DeepSpeed marks what it took away
    else:
        flat = type("FlatParameter", (nn.Parameter,), {})
        model[0].weight = flat(torch.zeros(4, 4))
    with pytest.raises(fc.FreezeError, match=r"'0\.weight' is sharded by .* Freeze the model before it is sharded"):
        fc.apply(model, "freeze 0")
    assert all(p.requires_grad for p in model.parameters())


def test_a_really_sharded_model_is_refused(tmp_path):
    distributed = pytest.importorskip("torch.distributed")
    fsdp = pytest.importorskip("torch.distributed.fsdp")
    if not hasattr(fsdp, "fully_shard"):
        pytest.skip("torch before 2.6 has no fully_shard")
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        model = small()
        fsdp.fully_shard(model, mesh=distributed.device_mesh.init_device_mesh("cpu", (1,)))
        with pytest.raises(fc.FreezeError, match="sharded by fully_shard"):
            fc.apply(model, "freeze 0")
    finally:
        distributed.destroy_process_group()
