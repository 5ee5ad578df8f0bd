"""What several devices make of frozen parameters: found here, and seen in torch itself."""

import functools

import pytest
import torch
import torch.distributed as dist
from torch import nn

from freezecore import read_tree
from freezecore._resolve import resolve
from freezecore._review import review
from freezecore.mask import Mask
from freezecore.spec import FreezeSpec


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        return x + self.b(self.a(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(3))
        self.head, self.spare = nn.Linear(8, 2), nn.Linear(8, 2)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def codes(names=None, rules="", sharding=None, unread=()):
    from dataclasses import replace

    tree = read_tree(Net())
    known = tuple(replace(p, used=not p.name.startswith(tuple(unread))) if unread else p for p in tree.parameters)
    tree = replace(tree, parameters=known)
    spec = FreezeSpec.parse(rules)
    mask = resolve(spec, tree) if names is None else Mask.from_names(tree, names)
    found = review(tree, mask, spec=spec, sharding=sharding)
    return {f.code: f for f in found if f.code.startswith(("fsdp1", "ddp", "compile"))}


@pytest.fixture
def group():
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


MIXED = ["blocks.1.a.weight", "head.weight", "head.bias"]


def test_a_block_of_both_kinds_is_found_under_fsdp_alone():
    assert codes(MIXED, sharding="fsdp")["fsdp1-mixed"].layers == ("blocks.1",)
    assert codes(MIXED, sharding="ddp") == codes(MIXED) == {}
    assert codes(rules="freeze all; train blocks:last1 head", sharding="fsdp") == {}


def test_fsdp1_refuses_such_a_block(group):
    from torch.distributed.fsdp import FullyShardedDataParallel
    from torch.distributed.fsdp.wrap import ModuleWrapPolicy

    wrap = functools.partial(
        FullyShardedDataParallel, auto_wrap_policy=ModuleWrapPolicy({Block}), use_orig_params=False
    )
    model = Net()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in MIXED)
    with pytest.raises(ValueError, match="requires_grad=True and False"):
        wrap(model, device_id=torch.device("cpu"))


def test_what_trains_unread_is_found_under_ddp_with_its_mend():
    found = codes(rules="train all", sharding="ddp", unread=["spare"])["ddp-unused"]
    assert found.severity == "error" and set(found.layers) == {"spare.weight", "spare.bias"}
    assert found.fix == "freeze spare.weight spare.bias"
    assert codes(rules="train all", sharding="fsdp", unread=["spare"]) == {}
    assert codes(rules="train all; freeze spare", sharding="ddp", unread=["spare"]) == {}


def test_ddp_stops_at_the_second_step_of_such_a_model(group):
    model = nn.parallel.DistributedDataParallel(Net())
    model(torch.randn(4, 8)).sum().backward()
    with pytest.raises(RuntimeError, match="finished reduction|find_unused_parameters"):
        model(torch.randn(4, 8)).sum().backward()


def test_a_schedule_is_found_on_several_devices_alone():
    gradual = "freeze all; train head; from epoch 2: train all"
    assert set(codes(rules=gradual, sharding="ddp")) == {"ddp-schedule", "compile-schedule"}
    assert "epoch 2" in codes(rules=gradual, sharding="ddp")["ddp-schedule"].message
    assert codes(rules=gradual) == codes(rules="freeze all; train head", sharding="ddp") == {}


def test_ddp_never_reduces_what_was_unfrozen_after_it_wrapped(group):
    net = Net()
    net.blocks.requires_grad_(False)
    net.spare.requires_grad_(False)
    model = nn.parallel.DistributedDataParallel(net)
    reduced = []

    def hook(state, bucket):
        reduced.extend(tensor.numel() for tensor in bucket.gradients())
        done = torch.futures.Future()
        done.set_result(bucket.buffer())
        return done

    model.register_comm_hook(None, hook)
    net.blocks.requires_grad_(True)
    model(torch.randn(4, 8)).sum().backward()
    assert sum(reduced) == sum(p.numel() for p in net.head.parameters())
    assert net.blocks[0].a.weight.grad is not None


def test_what_is_compiled_is_compiled_again_where_something_is_unfrozen():
    net = Net()
    net.blocks.requires_grad_(False)
    compiled = torch.compile(net, backend="eager")
    compiled(torch.randn(4, 8)).sum().backward()
    net.blocks.requires_grad_(True)
    compiled(torch.randn(4, 8)).sum().backward()
    assert net.blocks[0].a.weight.grad is not None
