"""How long a pasted script takes against a bare start of Python: `python -m tests.benchmarks.paste`.

Both in processor seconds, of this process and of the one that runs the script, in turns; medians of `RUNS`. Half a
minute.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

from freezecore.importing import import_rules
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource

RUNS = 11
BLOCK = """
def freeze_{i}(model, until={i}):
    for name, parameter in model.named_parameters():
        if name.startswith(f"layer{{until}}"):
            parameter.requires_grad = False
    return sum(p.requires_grad for p in model.parameters())


freeze_{i}(model)
"""
BEGINS = "from torchvision.models import resnet18\nimport torch\n\nmodel = resnet18(weights='DEFAULT')\n"
ENDS = "for p in model.conv1.parameters():\n    p.requires_grad = False\nmodel.fc = torch.nn.Linear(512, 10)\n"
SCRIPT = BEGINS + "".join(BLOCK.format(i=1 + i % 4) for i in range(6)) + ENDS


def processor_s() -> float:
    """Processor seconds of this process and of those that it has ended."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    tree = read_source(ModelSource.parse("timm:resnet18"))
    jobs = {
        "a bare start": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
        "a paste": lambda: import_rules(SCRIPT, tree),
    }
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(RUNS + 1):  # the first is not counted
        for name, job in jobs.items():
            before = processor_s()
            job()
            taken[name].append(processor_s() - before)
    bare, paste = (statistics.median(taken[name][1:]) for name in jobs)
    print(f"{len(SCRIPT.splitlines())} lines: {paste:.3f} s, a bare start {bare:.3f} s, {paste / bare:.1f} times")


if __name__ == "__main__":
    main()
