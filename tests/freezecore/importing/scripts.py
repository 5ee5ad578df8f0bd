"""Seeded scripts: loops, helpers, conditions and plans over a model's real names, put together at random."""

from __future__ import annotations

import random

Names = list[str]
PATTERNS = ("[.]0[.]", "[13]", r"bn\d", "weight$", "^[a-l]", r"(\d+)[.].*bias")


def script(seed: int, names: Names, modules: Names) -> str:
    """A script that sets `requires_grad` on `model` in two to five ways."""
    draw = random.Random(seed)
    parts = [draw.choice(SHAPES)(draw, names, modules) for _ in range(draw.randint(2, 5))]
    if draw.random() < 0.3:
        body = "".join(f"    {line}\n" for part in parts for line in part.splitlines())
        return f"import re, itertools\nimport torch.nn as nn\n\ndef main(model):\n{body}\nmain(model)\n"
    return "import re, itertools\nimport torch.nn as nn\n" + "\n".join(parts) + "\n"


def value(draw) -> str:
    return draw.choice(["False", "False", "True", "not True", "1 > 2", "bool(3)"])


def piece(draw, names: Names) -> str:
    """A part of some name, as people test for it."""
    name = draw.choice(names)
    words = name.split(".")
    start = draw.randrange(len(words))
    return ".".join(words[start : start + draw.randint(1, 3)])


def condition(draw, names: Names, depth: int = 0) -> str:
    one = piece(draw, names)
    simple = [
        f"{one!r} in n",
        f"n.startswith({draw.choice(names).split('.')[0]!r})",
        f"n.endswith({draw.choice(['weight', 'bias', one])!r})",
        f"p.dim() {draw.choice(['==', '>', '<'])} {draw.randint(1, 3)}",
        f"p.numel() > {10 ** draw.randint(2, 6)}",
        f"any(k in n for k in {[piece(draw, names) for _ in range(2)]!r})",
        f"not all(k in n for k in {[piece(draw, names) for _ in range(2)]!r})",
        f"re.search({draw.choice(PATTERNS)!r}, n)",
        f"n.split('.')[0] in {{{draw.choice(names).split('.')[0]!r}, {draw.choice(names).split('.')[0]!r}}}",
        f"len(n.split('.')) {draw.choice(['>', '<=', '=='])} {draw.randint(1, 5)}",
        f"n.count('.') % 2 == {draw.randint(0, 1)}",
        f"int(next((s for s in n.split('.') if s.isdigit()), {draw.randint(0, 3)})) < {draw.randint(0, 8)}",
    ]
    if depth < 2 and draw.random() < 0.35:
        pair = condition(draw, names, depth + 1), condition(draw, names, depth + 1)
        return draw.choice(["({} and {})", "({} or {})", "(not ({}) and {})"]).format(*pair)
    return draw.choice(simple)


def sets(draw, what: str = "p") -> str:
    v = value(draw)
    return draw.choice(
        [f"{what}.requires_grad = {v}", f"{what}.requires_grad_({v})", f"setattr({what}, 'requires_grad', {v})"]
    )


def by_name(draw, names: Names, modules: Names) -> str:
    tests = condition(draw, names)
    ways = [
        f"for n, p in model.named_parameters():\n    if {tests}:\n        {sets(draw)}",
        f"for n, p in model.named_parameters():\n    p.requires_grad = bool({tests})",
        f"for n, p in model.named_parameters():\n    if {tests}:\n        continue\n    {sets(draw)}",
        f"for n, p in model.named_parameters():\n    if {tests}:\n        {sets(draw)}\n    elif "
        f"{condition(draw, names)}:\n        {sets(draw)}\n    else:\n        pass",
        f"[p.requires_grad_({value(draw)}) for n, p in model.named_parameters() if {tests}]",
        f"for n, p in filter(lambda kv: kv[0] and (lambda n, p: {tests})(*kv), model.named_parameters()):\n"
        f"    {sets(draw)}",
    ]
    return draw.choice(ways)


def by_counter(draw, names: Names, modules: Names) -> str:
    n, step = draw.randint(0, len(names)), draw.randint(1, 4)
    ways = [
        f"i = 0\nfor p in model.parameters():\n    i += 1\n    if i > {n}:\n        break\n    {sets(draw)}",
        f"for i, p in enumerate(model.parameters()):\n    if i % {step} == 0:\n        {sets(draw)}",
        f"for p in list(model.parameters())[{-n}:{draw.choice(['', n])}:{step}]:\n    {sets(draw)}",
        f"ps = list(model.parameters())\nwhile len(ps) > {n}:\n    q = ps.pop({draw.choice([0, -1])})\n    "
        f"{sets(draw, 'q')}",
        f"on = {value(draw)}\nfor n, p in model.named_parameters():\n    if n == {draw.choice(names)!r}:\n"
        f"        on = not on\n    p.requires_grad = on",
        f"for p in itertools.islice(model.parameters(), {n // 2}, {n}):\n    {sets(draw)}",
    ]
    return draw.choice(ways)


def by_children(draw, names: Names, modules: Names) -> str:
    a, b = draw.randint(0, 4), draw.randint(3, 10)
    ways = [
        f"for child in list(model.children())[{a}:{b}:{draw.randint(1, 3)}]:\n    for p in child.parameters():\n"
        f"        {sets(draw)}",
        f"for i, child in enumerate(model.children()):\n    if i {draw.choice(['<', '>=', '=='])} {b}:\n"
        f"        child.requires_grad_({value(draw)})",
        f"for name, child in model.named_children():\n    if len(name) > {a} and name not in {modules[:b]!r}:\n"
        f"        for p in child.parameters(): {sets(draw)}",
        f"model.get_submodule({draw.choice(modules)!r}).requires_grad_({value(draw)})",
    ]
    return draw.choice(ways)


def by_kind(draw, names: Names, modules: Names) -> str:
    kind = draw.choice(["nn.Linear", "nn.Conv2d", "nn.LayerNorm", "nn.BatchNorm2d", "(nn.Embedding, nn.Linear)",
                        "nn.modules.batchnorm._BatchNorm"])  # fmt: skip
    ways = [
        f"for m in model.modules():\n    if isinstance(m, {kind}):\n        for p in m.parameters(): {sets(draw)}",
        f"def visit(m):\n    if isinstance(m, {kind}):\n        m.requires_grad_({value(draw)})\nmodel.apply(visit)",
        f"for name, m in model.named_modules():\n    if 'orm' in m.__class__.__name__ and name != {modules[0]!r}:\n"
        f"        for p in m.parameters(recurse=False): {sets(draw)}",
        f"for m in model.modules():\n    if getattr(m, 'bias', None) is not None:\n        "
        f"{sets(draw, 'm.bias') if draw.random() < 0.5 else 'm.bias.requires_grad_(False)'}"
        if draw.random() < 0.3
        else f"for m in model.modules():\n    if not list(m.children()):\n        m.requires_grad_({value(draw)})",
    ]
    return draw.choice(ways)


def by_helper(draw, names: Names, modules: Names) -> str:
    picked = [draw.choice(modules) for _ in range(draw.randint(1, 4))]
    ways = [
        f"def switch(part, value=False):\n    for p in part.parameters():\n        p.requires_grad = value\n"
        f"for path in {picked!r}:\n    switch(model.get_submodule(path), {value(draw)})",
        f"plan = {dict.fromkeys(picked, draw.random() < 0.4)!r}\nfor path, flag in plan.items():\n"
        f"    part = model\n    for word in path.split('.'):\n        part = getattr(part, word)\n"
        f"    part.requires_grad_(flag)",
        f"class Switch:\n    def __init__(self, flag):\n        self.flag, self.seen = flag, 0\n"
        f"    def __call__(self, part):\n        self.seen += 1\n"
        f"        part.requires_grad_(self.flag if self.seen % 2 else not self.flag)\n"
        f"s = Switch({value(draw)})\nfor path in {picked!r}:\n    s(model.get_submodule(path))",
        f"def chosen(m):\n    for n, p in m.named_parameters():\n        if {condition(draw, names)}:\n"
        f"            yield p\nfor p in chosen(model):\n    {sets(draw)}",
        f"def down(m, depth):\n    if depth == 0:\n        m.requires_grad_({value(draw)})\n    else:\n"
        f"        for c in m.children(): down(c, depth - 1)\ndown(model, {draw.randint(0, 3)})",
        f"wanted = {{n for n, p in model.named_parameters() if {condition(draw, names)}}} "
        f"{draw.choice('&|-^')} {{n for n, p in model.named_parameters() if {condition(draw, names)}}}\n"
        f"for n, p in model.named_parameters():\n    p.requires_grad = n {draw.choice(['in', 'not in'])} wanted",
    ]
    return draw.choice(ways)


SHAPES = (by_name, by_name, by_counter, by_children, by_kind, by_helper)
