"""The functions that every Python target shares: what trains by name, the freeze, and eval mode that lasts."""

from __future__ import annotations

from string import Template

from freezecore._export.plan import Plan
from freezecore._export.python import WIDTH, assigned, items, quoted
from freezecore._export.selection import Cover, Selection

DOTS = '# Dots mean whole parts: "layer1." takes layer1.0.weight, not layer10.weight.'

LOCALS = {"path": 'f"{name}."', "parts": 'set(name.split("."))'}

TRAINS = Template('''\
def trains(name: str$epoch) -> bool:
    """Whether the parameter of this name trains$when."""
$unwrapped$body
''')

EVERYTHING = '''
def freeze(model: nn.Module) -> None:
    """Train everything."""
    model.requires_grad_(True)
'''

FREEZE = Template('''\
def freeze(model: nn.Module$epoch) -> None:
    """$what"""
    for name, parameter in model.named_parameters():
        parameter.requires_grad = trains(name$pass_epoch)
''')

HOLD = """\
    model.frozen_modules = [
        module
        for module in model.modules()
        if {p.requires_grad for p in module.parameters()} == {False}
    ]
    model.train = MethodType(train, model)
    model.train(model.training)
"""

FREEZE_KEEPING_NORMS = Template('''\
def freeze(model: nn.Module, epoch: int = 0) -> None:
    """$what"""
    model.held_norms = [  # norms frozen at first keep their statistics to the end
        part
        for module in frozen_modules(model)
        for part in module.modules()
        if type(part).__name__ in NORMS
    ]
    model.frozen_modules = frozen_modules(model, epoch)
    model.train = MethodType(train, model)
    model.train(model.training)


def frozen_modules(model: nn.Module, epoch: int = 0) -> list[nn.Module]:
    """Set what trains in this epoch; returns the modules in which nothing does."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad = trains(name, epoch)
    return [
        module
        for module in model.modules()
        if {p.requires_grad for p in module.parameters()} == {False}
    ]
''')

TRAIN = Template('''

def train(self: nn.Module, mode: bool = True) -> nn.Module:
    """model.train(), except that $held."""
    type(self).train(self, mode)
    for module in self.frozen_modules:
$set_eval$norms
    return self
''')
KEPT_NORMS = """
    for norm in self.held_norms:
        norm.training = False"""

WHOLE = "        module.eval()"
SOME = Template("""\
        for part in module.modules():
            if type(part).__name__ $within NORMS:
                part.training = False""")

UNWRAPPED = '    name = name.replace("_orig_mod.", "").removeprefix("module.")  # torch.compile, DDP\n'


GENERAL = (
    FREEZE.substitute(what="Set what trains, by name.", epoch=", trains", pass_epoch="")
    + HOLD
    + TRAIN.substitute(held="frozen modules stay in eval mode", set_eval=WHOLE, norms="")
).rstrip()
"""`freeze(model, trains)`, for files with several selections."""


def named(selection: Selection, function: str, suffix: str) -> str:
    """One selection as a function of this name, its constants ending in `suffix`."""
    constants, tests = _tests(selection, suffix)
    body = _locals([tests]) + _returned(tests, "    ")
    text = f'def {function}(name: str) -> bool:\n    """Whether the parameter of this name trains."""\n{body}'
    return "\n".join([*constants, "", "", text]) if constants else text


def imports(plan: Plan) -> set[str]:
    """What `definitions` imports."""
    return {"from torch import nn"} | ({"from types import MethodType"} if holds(plan) else set())


def definitions(plan: Plan) -> str:
    """`trains`, `freeze` and what they need, as top-level functions two lines apart."""
    if _everything(plan):
        return EVERYTHING
    constants, body = _body(plan)
    if _keeps_norms(plan) or (holds(plan) and _set_eval(plan) != WHOLE):
        norms = assigned("NORMS", _moving(plan), "{}") if _moving(plan) else "NORMS: set[str] = set()"
        constants = f"{constants}\n{norms}"
    return f"{constants}\n\n\n{_trains(plan, body)}\n\n{_freeze(plan)}"


def holds(plan: Plan) -> bool:
    """Whether frozen modules are kept in eval mode."""
    return not _everything(plan) and any(mask.held for _, mask in plan.masks)


def _everything(plan: Plan) -> bool:
    return not plan.scheduled and all(plan.mask.trains)


def _trains(plan: Plan, body: str) -> str:
    wrapped = any(name.startswith("module.") or "_orig_mod." in name for name in plan.tree.index)
    return TRAINS.substitute(
        epoch=", epoch: int" if plan.scheduled else "",
        when=" in this epoch" if plan.scheduled else "",
        unwrapped="" if wrapped else UNWRAPPED,
        body=body,
    )


def _freeze(plan: Plan) -> str:
    what = "Set what trains; call it before the optimizer is built and before any wrapping."
    if not holds(plan):
        return _plain_freeze(plan, what)
    keeps = _keeps_norms(plan)
    train = TRAIN.substitute(held=_held(plan), set_eval=_set_eval(plan), norms=KEPT_NORMS if keeps else "")
    return (FREEZE_KEEPING_NORMS.substitute(what=what) if keeps else _plain_freeze(plan, what) + HOLD) + train


def _plain_freeze(plan: Plan, what: str) -> str:
    epoch, passed = (", epoch: int = 0", ", epoch") if plan.scheduled else ("", "")
    return FREEZE.substitute(what=what, epoch=epoch, pass_epoch=passed)


def _keeps_norms(plan: Plan) -> bool:
    """Whether norms that the first phase holds stay held when they begin to train."""
    return any(mask.also_held for _, mask in plan.masks)


def _moving(plan: Plan) -> list[str]:
    """Class names, as literals, of the modules whose buffers move in train mode."""
    return [quoted(name) for name in sorted({layer.type for layer in plan.tree.layers if layer.moves})]


def _held(plan: Plan) -> str:
    if plan.spec.norms != "hold":
        return "frozen modules drop nothing"
    if plan.spec.dropout != "off":
        return "frozen norms keep their statistics"
    return "frozen modules stay in eval mode"


def _set_eval(plan: Plan) -> str:
    if plan.spec.norms == "hold" and plan.spec.dropout == "off":
        return WHOLE
    within = "in" if plan.spec.norms == "hold" else "not in"
    return SOME.substitute(within=within)


def _body(plan: Plan) -> tuple[str, str]:
    """Constants, and the lines of `trains`."""
    if not plan.scheduled:
        constants, tests = _tests(plan.selections[0][1], "")
        if len(tests) == 1 and tests[0].count("(") == 1:
            return _explained(constants), f"    return {_inlined(tests[0])}"
        return _explained(constants), _locals([tests]) + _returned(tests, "    ")
    lines, constants, all_tests = [], [], []
    for epoch, selection in reversed(plan.selections):
        made, tests = _tests(selection, f"_{epoch}")
        constants = made + constants
        all_tests.append(tests)
        condition = [f"    if epoch >= {epoch}:"] if epoch else []
        lines += [*condition, _returned(tests, "        " if epoch else "    ")]
    return _explained(constants), _locals(all_tests) + "\n".join(lines)


def _explained(constants: list[str]) -> str:
    """The constants; above them, once, what the trailing dots of paths are for."""
    paths = any(not text.split(" = ")[0].rstrip("0123456789_").endswith("PARTS") for text in constants)
    return "\n".join([DOTS, *constants] if paths else constants)


def _tests(selection: Selection, suffix: str) -> tuple[list[str], list[str]]:
    """Constants and the tests over `path` and `parts`; all of them must hold for a parameter to train."""
    constants: list[str] = []
    tests: list[str] = []
    if selection.take:
        take = _cover(selection.take, "TRAINABLE", suffix, constants, ("", "not "))
        joined = " or ".join(take)
        tests.append(f"({joined})" if len(take) > 1 and selection.leave else joined)
    tests += _cover(selection.leave, "FROZEN", suffix, constants, ("not ", ""))
    return constants, tests


def _cover(cover: Cover, name: str, suffix: str, constants: list[str], negations: tuple[str, str]) -> list[str]:
    """One test for the cover's paths and one for its words; their constants join `constants`."""
    tests = []
    if cover.paths:
        constants.append(assigned(f"{name}{suffix}", items(cover.paths)))
        tests.append(f"{negations[0]}path.startswith({name}{suffix})")
    if cover.words:
        constants.append(assigned(f"{name}_PARTS{suffix}", [quoted(word) for word in cover.words], "{}"))
        tests.append(f"{negations[1]}parts.isdisjoint({name}_PARTS{suffix})")
    return tests


def _inlined(test: str) -> str:
    """A lone test with its variable's value in the variable's place."""
    for variable, value in LOCALS.items():
        test = test.replace(f"{variable}.", f"{value}.", 1)
    return test


def _locals(all_tests: list[list[str]]) -> str:
    text = " ".join(test for tests in all_tests for test in tests)
    used = {variable: value for variable, value in LOCALS.items() if f"{variable}." in text}
    return f"    {', '.join(used)} = {', '.join(used.values())}\n" if used else ""


def _returned(tests: list[str], indent: str) -> str:
    """A return statement of the tests' conjunction, a test a line where one line is too long."""
    line = f"{indent}return {' and '.join(tests) or True}"
    if len(line) <= WIDTH:
        return line
    broken = f"\n{indent}    and ".join(tests)
    return f"{indent}return (\n{indent}    {broken}\n{indent})"
