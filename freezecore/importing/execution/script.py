"""A pasted script: compiled under the policy, and run once as its author's computer and framework would run it."""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Callable

from freezecore.importing.execution import config_files, guards, script_builtins, syntax
from freezecore.importing.execution.policy import Policy
from freezecore.importing.execution.run import (
    PASTED,
    PASTED_MODULE,
    ScriptRun,
    ScriptStopped,
    begin,
)
from freezecore.importing.execution.standins import library, openmmlab, openmmlab_config
from freezecore.importing.execution.standins.lightning import AFTER as LIGHTNING_AFTER
from freezecore.importing.execution.standins.lightning import BEFORE as LIGHTNING_BEFORE
from freezecore.importing.execution.standins.lightning import LightningCallback, LightningModule, LightningTrainer
from freezecore.importing.execution.standins.model import Open
from freezecore.importing.execution.standins.module import Module
from freezecore.importing.execution.standins.peft import get_peft_model
from freezecore.importing.execution.standins.transformers_trainer import TrainerCallback, TransformersTrainer
from freezecore.importing.execution.unknown import PARTS, Unknown

ALWAYS_MODEL = ("model", "net", "network", "pl_module")  # whatever a script reads of them
WHOLE_MODEL = (*ALWAYS_MODEL, "self", "module")  # even where the model has a part of that name
MODELS = (*WHOLE_MODEL, "base_model", "backbone", "student", "_model", "m")  # the likeliest first
FREEZES = re.compile(
    r"""requires_grad(?:_\(|\s*[&|^]?=(?!=)|["'])|\bfreeze\w*\(|\.freeze|unfreeze|make_trainable|get_peft_model|reset_classifier"""
    r"""|peft_config\s*=|add_adapter\("""
)
TRAINS = re.compile(r"\bbackward\(|\.fit\w*\(|(?i:trainer)\w*\.train\(|fine_tune\(|\bTrainer\(")
UNDOES = re.compile(r"unfreez|thaw|un_freez|make_trainable|defrost", re.IGNORECASE)
CALLBACKS = (LightningCallback, TrainerCallback, openmmlab.OpenMMLabHook)


class NotPython(Exception):
    """The text cannot be compiled; its text says why, and a hint stands beside it."""


class Script:
    """A compiled script.

    Args:
        text: Python.

    Raises:
        NotPython: it is none, or holds what is never run.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        policy = Policy([], [], {})
        parsed = ast.parse(text)
        self.attributes = syntax.attributes_read(parsed)
        self.functions = {node.name: node for node in parsed.body if isinstance(node, ast.FunctionDef)}
        self.sources = {node.name: ast.get_source_segment(text, node) or "" for node in self.functions.values()}
        self.classes = {node.name: ast.get_source_segment(text, node) or "" for node in ast.walk(parsed)
                        if isinstance(node, ast.ClassDef)}  # fmt: skip
        self.calls_hooks = syntax.calls_hooks(parsed)
        self.direct, self.calls = syntax.called_by_name(parsed), syntax.names_by_definition(parsed)
        self.without_gradients = syntax.lines_without_gradients(parsed)
        self.assigned = {name.id: node.lineno for node in parsed.body if isinstance(node, ast.Assign)
                         for name in node.targets if isinstance(name, ast.Name)}  # fmt: skip
        self.configurations = config_files.files_in(text, parsed)
        self.assigned |= config_files.lines_of(self.configurations)
        self.limit = syntax.epochs_told_apart(parsed)
        first = syntax.names_read_first(parsed)
        for part in self.configurations:
            part.code = _compiled(policy, ast.Module(part.body, []))
        self.code = None if self.configurations else _compiled(policy, parsed)
        self.builtins = script_builtins.builtins()
        self.free = sorted((syntax.names_unbound(text) | first) - set(self.builtins))

    def run(self, choices: dict, chosen: str | None) -> ScriptRun:
        """Run it once, with undecided conditions taken as said."""
        run = begin(ScriptRun(choices, self.limit))
        run.chosen = chosen
        space = self._space()
        try:
            if self.configurations:
                space |= config_files.run(self.configurations, self._space)
            else:
                exec(self.code, space)
            self._as_frameworks_would(run, space)
        except (ScriptStopped, SystemExit):
            pass
        except BaseException as error:
            if isinstance(error, (MemoryError, KeyboardInterrupt)):
                raise
            run.failed = True
            if error is not run.raised:
                run.tell(guards.reason(error), guards.line_of(error) or 1)
        return run

    def _space(self) -> dict:
        """The names that the text begins with."""
        space = {"__builtins__": self.builtins, "__name__": PASTED_MODULE, "__doc__": None, **guards.hooks()}
        space["__file__"] = Unknown("__file__")
        self._bind_free(space)
        space["_fx_star_"] = lambda module: self._star(module, space)
        return space

    def _bind_free(self, space: dict) -> None:
        """Names that the text does not define: the model, or unknown."""
        free = self.free
        known = {name: found for name in free if (found := library.well_known(name)) is not None}
        wanted = [name for name in free if self._is_model(name) and name not in known]
        first = min(
            (name for name in wanted if name in MODELS), key=MODELS.index, default=wanted[0] if wanted else None
        )
        root = None
        for name in free:
            space[name] = known[name] if name in known else Unknown(name)
        for name in wanted:
            if name == first or name in MODELS:
                root = root or Open.blueprint.build()
                space[name] = root._modules[name] if name in root._modules and name not in WHOLE_MODEL else root
            elif first is not None and root is not None and name in root._modules:
                space[name] = root._modules[name]

    def _is_model(self, name: str) -> bool:
        used = self.attributes.get(name, set())
        if name in ALWAYS_MODEL:
            return True
        tops = {path for path, *_ in Open.blueprint.layers if path and "." not in path}
        if name == "self":
            return True
        return (
            bool(used & set(PARTS))
            or name in MODELS
            and bool(used & (tops | {"model", "encoder", "layer"}))
            or (len(used & tops) > 0 and name not in ("F", "torch", "nn", "os", "args", "config", "cfg"))
        )

    def _star(self, module: str, space: dict) -> None:
        """`from module import *`: what the script uses and the library has."""
        for name in self.free:
            if name in space and type(space[name]) is Unknown and not space[name]._fx_library:
                found = library.imported_from(module, name)
                if type(found) is not Unknown or found._fx_library:
                    space[name] = found

    def _as_frameworks_would(self, run: ScriptRun, space: dict) -> None:
        """What a framework calls, and what is defined and never called."""
        run.lightning = lambda: self._lightning_module(space)
        for pending in list(run.pending):
            known = {id(each) for each in run.callbacks}
            if any(type(each).__module__ == PASTED_MODULE or id(each) in known for each in pending.callbacks):
                pending._fx_fit()
        self._never_built(run, space, lambda kind: kind.__name__ not in self.direct)
        for callback in run.callbacks:
            if not any(callback is each for each in run.handed):
                LightningTrainer(callbacks=[callback])._fx_fit()
        self._uncalled(run, space)
        self._never_built(
            run, space, lambda kind: kind.__name__ in self.direct
        )  # where no function that was run built it
        self._never_handed(run, space)
        self._configuration(run, space)
        for line in self.without_gradients:
            if run.events:
                run.note(
                    "Line {line} runs a part without gradients: it trains nothing, whatever is set on it.", line=line
                )
            else:
                run.tell("what runs here without gradients does not train, and is not followed", line)
        if run.configs and not run.adapted:
            run.note("Its adapter configuration is never used here; it was taken as PEFT would.")
            get_peft_model(self._root(), run.configs[-1])

    def _never_built(self, run: ScriptRun, space: dict, wanted: Callable[[type], bool]) -> None:
        """Classes that nothing built are built once, as a training script or a framework would."""
        classes = [each for each in space.values() if isinstance(each, type) and each.__module__ == PASTED_MODULE]
        made = {type(each) for each in self._instances(space)}
        for kind in filter(wanted, classes):
            if (
                kind in made
                or kind.__name__ in run.built
                or any(kind is not one and issubclass(one, kind) for one in classes)
            ):
                continue
            if issubclass(kind, Module):
                self._module_class(run, kind)
            elif issubclass(kind, CALLBACKS):
                self._callback_class(run, kind, space)
            elif "get_peft_model(" in self.classes.get(kind.__name__, "") and not run.events:
                run.note(
                    "The class {name} is never built here; it was built once, as its framework would.",
                    name=kind.__name__,
                )
                filled(kind, None)

    def _instances(self, space: dict) -> list:
        """What the script made of its own classes, also where a list holds it."""
        held = [each for value in space.values() for each in (value if type(value) in (list, tuple) else (value,))]
        return [each for each in held if type(each).__module__ == PASTED_MODULE]

    def _never_handed(self, run: ScriptRun, space: dict) -> None:
        """Callbacks and Lightning modules that were made and that no trainer ran, where the script calls no hook."""
        made = [] if self.calls_hooks else self._instances(space)
        for each in {id(one): one for one in made}.values():
            if not FREEZES.search(self.classes.get(type(each).__name__, "")):
                continue
            if isinstance(each, CALLBACKS) and not any(each is one for one in run.handed):
                self._run_callback(run, each)
            elif isinstance(each, LightningModule) and "trainer" not in vars(each):
                self._run_hooks(run, each)

    def _configuration(self, run: ScriptRun, space: dict) -> None:
        """A configuration in Python, as OpenMMLab's are."""
        for name, value in list(space.items()):
            if type(value) in (dict, list, openmmlab_config.ConfigDict) and not name.startswith("_"):
                run.framework_line = self.assigned.get(name, 0)
                openmmlab_config.read_configuration(value, self._root, name)

    def _lightning_module(self, space: dict):
        """The script's own LightningModule, built where it is not; else the model itself."""
        own = [each for each in space.values() if isinstance(each, LightningModule)]
        kinds = [each for each in space.values() if isinstance(each, type) and issubclass(each, LightningModule)
                 and each.__module__ == PASTED_MODULE]  # fmt: skip
        if own or kinds:
            return own[-1] if own else filled(kinds[-1], self._root())
        return self._root()

    def _root(self):
        from freezecore.importing.execution.run import now

        return now().models[-1] if now().models else Open.blueprint.build()

    def _module_class(self, run: ScriptRun, kind: type) -> None:
        """A module class that nothing builds is built once, as a training script would."""
        source = self.classes.get(kind.__name__, "")
        if not FREEZES.search(source) and run.models:
            return
        run.note("The class {name} is never built here; it was built once, as its framework would.", name=kind.__name__)
        made = filled(kind, None)
        if isinstance(made, LightningModule):
            self._run_hooks(run, made)

    def _run_hooks(self, run: ScriptRun, made: LightningModule) -> None:
        """A Lightning module's own hooks, as its trainer calls them."""
        kind = type(made)
        for name in ("configure_model", "setup", "on_fit_start", "on_train_start", "configure_optimizers"):
            if name in vars(kind):
                filled(getattr(made, name), None)
        hooks = [name for name in (*LIGHTNING_BEFORE, *LIGHTNING_AFTER) if name in vars(kind)]
        for _ in run.epochs(None) if hooks else ():
            for name in hooks:
                run.stepped = name in LIGHTNING_AFTER
                filled(getattr(made, name), None)

    def _callback_class(self, run: ScriptRun, kind: type, space: dict) -> None:
        if not FREEZES.search(self.classes.get(kind.__name__, "")) and not hasattr(kind, "freeze_before_training"):
            return
        self._run_callback(run, filled(kind, None))

    def _run_callback(self, run: ScriptRun, made) -> None:
        run.note(
            "The callback {name} is never handed to a trainer here; its hooks were called once each epoch.",
            name=type(made).__name__,
        )
        if isinstance(made, openmmlab.OpenMMLabHook):
            made._fx_run(self._root())
        elif isinstance(made, LightningCallback):
            trainer = LightningTrainer(callbacks=[made])
            trainer._fx_fit()
        else:
            trainer = TransformersTrainer(self._root(), callbacks=[made])
            vars(trainer)["args"] = None
            trainer.train()

    def _uncalled(self, run: ScriptRun, space: dict) -> None:
        """Functions that freeze and that nothing calls: the script's training is run; a lone helper is run once."""
        own = {name: space[name] for name in self.functions if isinstance(space.get(name), types.FunctionType)}
        called = {name for name in own if self._is_called(name)}
        waiting = [name for name in own if name not in called and self._acts(name, set())]
        for name in [name for name in waiting if self._by_epoch(name)]:
            run.note("{name}() is never called here; it was called as each epoch begins.", name=name)
            for epoch in run.epochs(None):
                filled(own[name], None, epoch)
        for name in {each.__name__: None for each in run.handed_over if each in own.values()}:
            if name in called and name not in self.direct and self._acts(name, set()):
                run.note("{name}() is handed to what is not in this text; it was called once.", name=name)
                filled(own[name], None)
        training = [name for name in waiting if not self._by_epoch(name) and self._trains(name)]
        for name in training:
            run.note("{name}() is never called here; it was called once.", name=name)
            filled(own[name], None)
        helpers = [name for name in waiting if name not in training and not self._by_epoch(name)]
        if run.events or run.clock:
            return
        alone = [name for name in helpers if not UNDOES.search(name)]
        for name in alone[:1] if len(alone) == 1 else ():
            run.note("{name}() is never called here; it was called once with the model.", name=name)
            filled(own[name], None)
        for name in helpers if len(alone) > 1 or not alone else ():
            run.tell("{name}() is defined and never called", self.functions[name].lineno, name=name)

    def _is_called(self, name: str) -> bool:
        return any(name in body for other, body in self.calls.items() if other != name)

    def _acts(self, name: str, seen: set) -> bool:
        """Whether a function, or one of the script's own that it calls, sets what trains."""
        seen.add(name)
        others = [other for other in self.calls.get(name, ()) if other in self.sources and other not in seen]
        return bool(FREEZES.search(self.sources[name])) or any(self._acts(other, seen) for other in others)

    def _trains(self, name: str) -> bool:
        return bool(TRAINS.search(self.sources[name])) or name in (
            "main",
            "run",
            "train",
            "fine_tune",
            "finetune",
            "fit",
        )

    def _by_epoch(self, name: str) -> bool:
        arguments = [each.arg for each in self.functions[name].args.args]
        required = arguments[: len(arguments) - len(self.functions[name].args.defaults)]
        return any(each in ("epoch", "current_epoch", "cur_epoch", "epoch_idx") for each in required)


def _compiled(policy: Policy, parsed: ast.Module) -> types.CodeType:
    """The code of statements under the policy.

    Raises:
        NotPython: the policy refuses something of it.
    """
    policy.visit(parsed)
    if policy.errors:
        raise NotPython(policy.errors[0])
    return compile(parsed, PASTED, "exec")


def filled(function, model, epoch=None):
    """A call as a framework makes it: the model where one is asked for, defaults, and unknown values."""
    target = function.__init__ if isinstance(function, type) else function
    code = getattr(getattr(target, "__func__", target), "__code__", None)
    if code is None:
        return function()
    names = code.co_varnames[: code.co_argcount]
    bound = isinstance(function, type) or hasattr(target, "__self__")
    defaults = getattr(getattr(target, "__func__", target), "__defaults__", None) or ()
    required = names[bound : code.co_argcount - len(defaults)]
    arguments = [_argument(name, model, epoch) for name in required]
    only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    known = getattr(getattr(target, "__func__", target), "__kwdefaults__", None) or {}
    return function(*arguments, **{name: _argument(name, model, epoch) for name in only if name not in known})


def _argument(name: str, model, epoch):
    from freezecore.importing.execution.run import now

    if name == "stage":
        return "fit"
    if "epoch" in name and epoch is not None:
        return epoch
    if name in (*MODELS, "transformer", "encoder", "pretrained_model", "base", "learner", "bert", "resnet", "vit"):
        if model is None:
            run = now()
            model = run.models[-1] if run.models else Open.blueprint.build()
        inside = model._modules.get(name)
        return inside if inside is not None and name not in MODELS else model
    return Unknown(name)
