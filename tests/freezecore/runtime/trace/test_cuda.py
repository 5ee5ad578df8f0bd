"""A step followed for CUDA where there is no GPU: autocast's types, the kernels of attention, and what they save."""

import ast
import functools
from pathlib import Path

import pytest
import torch
import transformers
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.nn import functional as F

from freezecore.runtime.trace import module_pricer, trace_module
from freezecore.runtime.trace.cuda import AttentionCall, as_with_a_card, chosen_kernel
from freezecore.workload import Workload
from tests.freezecore.runtime.trace.test_trace_model import costs

fp16, bf16, fp32 = torch.float16, torch.bfloat16, torch.float32
T4, A100, RTX_4090, H100 = (7, 5), (8, 0), (8, 9), (9, 0)
# As torch's own tests list them: see the last test of these lists
TO_HALF = {
    "matmul": lambda x, w: x @ w,
    "addmm": lambda x, w: torch.addmm(x, x, w),
    "baddbmm": lambda x, w: torch.baddbmm(x[None], x[None], w[None]),
    "bmm": lambda x, w: torch.bmm(x[None], w[None]),
    "linear": F.linear,
    "mv": lambda x, w: torch.mv(x, w[0]),
    "conv1d": lambda x, w: F.conv1d(x[None], w[:, :, None]),
    "conv2d": lambda x, w: F.conv2d(x[None, :, :, None], w[:, :, None, None]),
    "conv_transpose1d": lambda x, w: F.conv_transpose1d(x[None], w[:, :, None]),
    "prelu": lambda x, w: F.prelu(x, w[0]),
    "scaled_dot_product_attention": lambda x, w: F.scaled_dot_product_attention(*[x[None, None]] * 3),
}
TO_FP32 = {
    "softmax": lambda x, w: F.softmax(x, -1),
    "log_softmax": lambda x, w: F.log_softmax(x, -1),
    "layer_norm": lambda x, w: F.layer_norm(x, (8,)),
    "group_norm": lambda x, w: F.group_norm(x, 2),
    "exp": lambda x, w: x.exp(),
    "log": lambda x, w: x.log(),
    "pow": lambda x, w: x.pow(3),
    "sum": lambda x, w: x.sum(),
    "prod": lambda x, w: x.prod(),
    "cumsum": lambda x, w: x.cumsum(0),
    "norm": lambda x, w: x.norm(),
    "rsqrt": lambda x, w: x.rsqrt(),
    "softplus": lambda x, w: F.softplus(x),
    "mse_loss": lambda x, w: F.mse_loss(x, w),
    "smooth_l1_loss": lambda x, w: F.smooth_l1_loss(x, w),
    "cosine_similarity": lambda x, w: F.cosine_similarity(x, w),
}
WIDEST = {"cat": lambda x, w: torch.cat([x, w]), "stack": lambda x, w: torch.stack([x, w])}
AS_THEY_COME = {"relu": lambda x, w: F.relu(x), "gelu": lambda x, w: F.gelu(x), "mul": lambda x, w: x * x}


def torchs_own_lists():
    """What torch's own tests of autocast on CUDA go through, by their lists' names; read as text, not imported."""
    text = Path(torch.__file__).parent.joinpath("testing/_internal/autocast_test_lists.py").read_text()
    wanted = next(node for node in ast.parse(text).body if getattr(node, "name", "") == "AutocastTestLists")
    lists = {}
    for node in ast.walk(wanted):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            tuples = [item for item in node.value.elts if isinstance(item, ast.Tuple)]
            lists[node.targets[0].attr] = {item.elts[0].value for item in tuples}
    return lists


def test_the_lists_above_are_those_of_torchs_own_tests():
    lists = torchs_own_lists()
    attention = {"scaled_dot_product_attention"}  # in none of them; the test below holds what torch does
    assert TO_HALF.keys() - attention <= lists["torch_fp16"] | lists["nn_fp16"]
    assert TO_FP32.keys() <= lists["torch_fp32"] | lists["nn_fp32"]
    assert WIDEST.keys() <= lists["torch_expect_builtin_promote"]
    assert not AS_THEY_COME.keys() & set().union(*(lists[n] for n in ("torch_fp16", "torch_fp32", "nn_fp32")))


@pytest.fixture
def fake_cuda():
    with as_with_a_card(A100), FakeTensorMode():
        yield


@pytest.mark.parametrize("name", [*TO_HALF, *TO_FP32, *WIDEST, *AS_THEY_COME])
def test_autocast_for_cuda_casts_each_operation_as_torch_documents(name, fake_cuda):
    half, full = (torch.empty(8, 8, dtype=dtype, device="cuda") for dtype in (fp16, fp32))
    with torch.autocast("cuda", fp16):
        if name in TO_HALF:
            assert TO_HALF[name](full, full).dtype == fp16
        elif name in TO_FP32:
            assert TO_FP32[name](half, half).dtype == fp32
        elif name in WIDEST:
            assert WIDEST[name](half, full).dtype == fp32
        else:
            assert [AS_THEY_COME[name](x, x).dtype for x in (half, full)] == [fp16, fp32]


def call(dtype, size=64, length=16, keys=None, heads=4, key_heads=4, mask=None, needs=True, **options):
    def tensor(heads, length):
        return torch.empty(2, heads, length, size, dtype=dtype, device="meta", requires_grad=needs)

    others = [tensor(key_heads, keys or length) for _ in range(2)]
    bias = None if mask is None else torch.empty(2, 1, length, keys or length, dtype=mask, device="meta")
    return AttentionCall(tensor(heads, length), *others, bias, **options)


@pytest.mark.parametrize(
    ("made", "capability", "kernel"),
    [
        (call(bf16), A100, "flash"),
        (call(fp16), A100, "flash"),
        (call(fp32), A100, "efficient"),
        (call(bf16), H100, "cudnn"),
        (call(fp32), H100, "efficient"),
        (call(fp16), T4, "efficient"),
        (call(bf16), T4, "math"),
        (call(fp32), T4, "efficient"),
        (call(bf16, mask=torch.bool), A100, "efficient"),
        (call(bf16, mask=bf16), H100, "cudnn"),
        (call(bf16, dropout_p=0.1), A100, "flash"),
        (call(bf16, dropout_p=0.1), H100, "flash"),
        (call(bf16, dropout_p=0.125), H100, "cudnn"),
        (call(fp32, dropout_p=0.1), A100, "efficient"),
        (call(bf16, is_causal=True), A100, "flash"),
        (call(bf16, is_causal=True, keys=32), A100, "efficient"),
        (call(bf16, size=256), A100, "flash"),
        (call(bf16, size=256), H100, "flash"),
        (call(bf16, size=264), A100, "efficient"),
        (call(bf16, size=20), A100, "flash"),
        (call(bf16, size=20, mask=bf16), A100, "math"),
        (call(fp32, size=20), A100, "efficient"),
        (call(fp32, size=18), A100, "math"),
        (call(fp32, size=18), (6, 0), "efficient"),
        (call(bf16, size=200), RTX_4090, "efficient"),
        (call(bf16, size=200, needs=False), RTX_4090, "flash"),
        (call(bf16, size=256, dropout_p=0.1), RTX_4090, "efficient"),
        (call(bf16, key_heads=2), A100, "math"),
        (call(bf16, key_heads=2, enable_gqa=True), A100, "flash"),
        (call(bf16, key_heads=1), A100, "flash"),
    ],
)
def test_attention_takes_the_kernel_that_torch_chooses_on_such_a_card(made, capability, kernel):
    assert chosen_kernel(made, capability) == kernel


@pytest.mark.parametrize("enabled", [True, False])
def test_torch_chooses_the_same_on_the_card_of_this_machine(enabled):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    names = {0: "math", 1: "flash", 2: "efficient", 3: "cudnn"}
    for dtype, options in ((bf16, {}), (fp32, {}), (bf16, {"mask": torch.bool}), (fp16, {"size": 264})):
        made = [t.cuda() if isinstance(t, torch.Tensor) else t for t in call(dtype, **options)]
        made = [torch.empty_like(t, device="cuda") if isinstance(t, torch.Tensor) else t for t in made]
        known = torch._fused_sdp_choice(*made[:6])
        assert chosen_kernel(AttentionCall(*made), torch.cuda.get_device_capability()) == names[known]


class Attending(nn.Module):
    def __init__(self, drops=0.0):
        super().__init__()
        self.qkv, self.last, self.drops = nn.Linear(32, 96), nn.Linear(32, 4), drops

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, 2, 16)).permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(q, k, v, dropout_p=self.drops if self.training else 0.0)
        return self.last(heads.transpose(1, 2).flatten(2)).mean(1)


@pytest.mark.parametrize(("precision", "drops"), [("bf16", 0.0), ("fp16-autocast", 0.1), ("fp32", 0.1)])
def test_what_attention_saves_for_cuda_grows_with_the_length_and_not_with_its_square(precision, drops):
    workload = Workload(implementation="fused", device="cuda", precision=precision)
    saved = []
    for length in (256, 512):
        trace = module_pricer(Attending(drops), workload, batch=torch.zeros(2, length, 32)).trace
        saved.append(costs(trace, *(p.name for p in trace.parameters)).activations_saved)
    assert 1.9 < saved[1] / saved[0] < 2.1


def test_where_no_fused_kernel_runs_the_scores_are_saved():
    trace = functools.partial(module_pricer, Attending(), batch=torch.zeros(2, 512, 32))
    old, new = (
        trace(Workload(device="cuda", precision="bf16", compute_capability=card)).trace for card in ("7.5", "8.0")
    )
    more = [costs(t, "qkv.weight").activations_saved for t in (old, new)]
    assert more[0] - more[1] > 2 * 2 * 512 * 512 * 2


def test_half_precision_for_cuda_saves_what_it_saves_on_a_cpu():
    net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 30 * 30, 8))
    saved = {}
    for device in ("cpu", "cuda"):
        for precision in ("fp32", "fp16-autocast", "bf16-autocast"):
            trace = module_pricer(
                net, Workload(device=device, precision=precision), batch=torch.zeros(8, 3, 32, 32)
            ).trace
            saved[device, precision] = costs(trace, *(p.name for p in trace.parameters)).activations_saved
    for precision in ("fp32", "fp16-autocast", "bf16-autocast"):
        assert abs(saved["cuda", precision] / saved["cpu", precision] - 1) < 0.01
    assert saved["cuda", "fp16-autocast"] < 0.85 * saved["cuda", "fp32"]


SMALL = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "vocab_size": 64}
MODELS = {
    "T5, whose mask trains": lambda: transformers.T5ForConditionalGeneration(
        transformers.T5Config(d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=4, vocab_size=64)
    ),
    "Mixtral, whose experts ask for the card": lambda: transformers.MixtralForCausalLM(
        transformers.MixtralConfig(**SMALL, num_key_value_heads=2, num_local_experts=4, intermediate_size=32)
    ),
    "Qwen3-MoE": lambda: transformers.Qwen3MoeForCausalLM(
        transformers.Qwen3MoeConfig(
            **SMALL, num_key_value_heads=2, head_dim=8, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32
        )
    ),
    "Llama": lambda: transformers.LlamaForCausalLM(
        transformers.LlamaConfig(**SMALL, num_key_value_heads=2, intermediate_size=32)
    ),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("precision", ["bf16", "bf16-autocast"])
def test_models_that_ask_the_driver_are_followed_without_one(name, precision):
    with torch.device("meta"):
        model = MODELS[name]()
    trace = trace_module(model, Workload(2, sequence_length=16, device="cuda", precision=precision))
    assert trace.problem == ""
    assert costs(trace, *(p.name for p in trace.parameters)).known
