"""Writes commands.md: every command as it is typed, and what it printed (`python docs/commands.py`)."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
MODEL, TRAINED = "timm:resnet18", "timm:tf_efficientnet_lite0"
LINES = 28  # of a longer answer its first and last are shown
RULES = "--rules 'freeze all; train head'"
FEW = "--batch-size 16 --train-size 64 --test-size 64"
COMMANDS = {
    "models resnet18": "What can be opened, by a part of its name.",
    f"tree {MODEL}": "What a model is made of; nothing is downloaded.",
    f"mask {MODEL} {RULES}": "What rules mean for each parameter, and what is wrong with them.",
    f"estimate {MODEL} {RULES} --batch-size 32 --budget 500MB": "What a training step costs, before anything runs.",
    "data shapes": "What a probe would train on.",
    f"probe {TRAINED} {RULES} --steps 20 {FEW}": "One selection, trained for a moment, with its proof.",
    f"sweep {TRAINED} {RULES} --rules 'freeze stem; freeze blocks:0-4' --steps 20 {FEW}": "Selections side by side.",
    f"find {TRAINED} --minutes 0.5 {FEW}": "What to freeze, found in a given time.",
    f"suggest {TRAINED} --by gradients --budget 200MB {FEW}": "Selections that looks at model and data speak for.",
    f"export {MODEL} {RULES} --to pytorch": "The selection as code for a trainer.",
    f"lock {MODEL} 'freeze all; train head' --out freeze.yaml": "Every name that a selection means, for later.",
    "check freeze.yaml": "Whether it still means the same.",
    f"import names.txt --source {MODEL}": "Rules read back from what somebody else wrote.",
    f"calibrate --device cpu --models {MODEL}": "Real steps beside what is estimated; `--device cuda` measures a card.",
    "mcp --skill": "What an agent is taught (without the flag it answers one).",
    "schema check": "What `--json` answers.",
    "completion bash": "A script for the shell.",
}


TIME = re.compile(r"(?P<column>(?<= {2}))?\d[\d.]*(?= m?s\b)")


def shown(text: str) -> str:
    """What was printed, as far as it says the same elsewhere: without times, and a long one without its middle."""
    text = TIME.sub(lambda time: "…".rjust(len(time[0])) if time["column"] is not None else "…", text)
    lines = text.rstrip("\n").split("\n")
    if len(lines) > LINES:
        lines = [*lines[: LINES - 8], f"… {len(lines) - LINES + 2} lines …", *lines[-6:]]
    return "\n".join(line.rstrip() for line in lines)


def main() -> None:
    parts = [
        "# Every command, and what it prints",
        "Made by `python docs/commands.py`; a long answer is cut in its middle, and times are left out.",
    ]
    path = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "names.txt").write_text("layer4.1.conv2.weight\nfc.weight\nfc.bias\n")
        for command, about in COMMANDS.items():
            print(command, file=sys.stderr, flush=True)
            done = subprocess.run(
                [sys.executable, "-m", "freezecore", *shlex.split(command)],
                cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
            )  # fmt: skip
            if done.returncode:
                sys.exit(f"{command}\n{done.stderr}")
            typed = f"```console\n$ freezecore {command}\n{shown(done.stdout)}\n```"
            parts += [f"## {command.split()[0]}", about, typed]
    (HERE / "commands.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
