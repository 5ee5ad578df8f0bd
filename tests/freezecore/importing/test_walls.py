"""Hostile text: what has led out of such compilers leads nowhere here, and everything ends in a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import RestrictedPython

from freezecore.errors import FreezeError
from freezecore.importing import import_rules, isolated
from freezecore.importing.execution import guards, script_builtins
from freezecore.importing.execution.run import ScriptRun, begin
from freezecore.importing.execution.script import NotPython, Script
from freezecore.importing.execution.standins.model import Blueprint, Open
from freezecore.importing.execution.unknown import Unknown
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource

FREEZES = "\nmodel.requires_grad_(False)\n"
MOST_SECONDS = 40  # generous: a busy machine; the process itself is ended after six seconds
# Each is a published way out of RestrictedPython or of a sandbox like it, and what must come of `out`.
ADVISORIES = {
    "CVE-2023-37271 frames of generators": (
        "g = (g.gi_frame.f_back.f_back.f_globals for _ in [1])\nout = [x for x in g][0]"
    ),
    "CVE-2023-37271 a coroutine's frame": "async def f(): pass\nout = getattr(f(), 'cr_frame')",
    "CVE-2023-41039 str.format": "out = '{0.__class__.__mro__}'.format(1)",
    "CVE-2023-41039 str.format_map": "out = '{x.__init__.__globals__}'.format_map({'x': model})",
    "CVE-2023-41039 the method of the class": "out = str.format('{0.__class__.__base__}', 1)",
    "CVE-2024-47532 AttributeError.obj": "try:\n    [].nothing\nexcept AttributeError as e:\n    out = e.obj",
    "CVE-2024-47532 string.Formatter": "import string\nout = string.Formatter",
    "CVE-2026-76825 Formatter.get_field": "import string\nout = string.Formatter().get_field('0.__class__', [1], {})",
    "CVE-2026-55830 a guard as an argument": (
        "def f(_getattr_, /): return (1).__class__.__base__\nout = f(lambda a, b: a)"
    ),
    "CVE-2025-22153 try with except*": (
        "try:\n    raise ExceptionGroup('', [OSError()])\nexcept* OSError as e:\n    out = e"
    ),
    "a traceback": "try:\n    1 / 0\nexcept Exception as e:\n    out = e.__traceback__",
    "with_traceback": "try:\n    1 / 0\nexcept Exception as e:\n    out = e.with_traceback",
    "globals of a function": "def f(): pass\nout = f.__globals__",
    "globals by getattr": "def f(): pass\nout = getattr(f, '__glo' + 'bals__')",
    "subclasses": "out = ().__class__.__base__.__subclasses__()",
    "the order of resolution": "out = type(model).mro",
    "type with three arguments": "out = type('A', (), {'__match_args__': ('__globals__',)})",
    "a class of classes": "import torch.nn as nn\nout = type(nn.Linear)",
    "a class pattern that reads": "def f(): pass\nmatch f:\n    case object(__globals__=g):\n        out = g",
    "match arguments of a class": "class A:\n    __match_args__ = ('__globals__',)\nout = A",
    "match arguments by setattr": (
        "class A: pass\nsetattr(A, '__match_args__', ('__globals__',))\nout = getattr(A, '__match_args__')"
    ),
    "a module inside a module": "import re\nout = re.enum",
    "a module behind an underscore": "import collections\nout = collections._sys",
    "attrgetter": "from operator import attrgetter\ndef f(): pass\nout = attrgetter('__globals__')(f)",
    "methodcaller": "from operator import methodcaller\nout = methodcaller('__subclasses__')(object)",
    "wraps with attributes of its own": (
        "import functools\ndef f(): pass\nout = functools.wraps(f, assigned=('__globals__',))(print).__globals__"
    ),
    "reduce over names": "from functools import reduce\nout = reduce(getattr, ['__class__', '__base__'], ())",
    "a private name of ours": "out = model._fx_set",
    "a hook as a name": "_fx_call_ = 1\nout = 1",
    "the guard as a global": "global _getattr_\n_getattr_ = getattr\nout = 1",
    "a hook by import": "from math import sqrt as _write_\nout = 1",
    "a hook by a handler": "try:\n    1 / 0\nexcept Exception as _getattr_:\n    out = 1",
    "a hook by a pattern": "match 1:\n    case _write_:\n        out = 1",
    "builtins": "out = __builtins__",
    "import by name": "out = __import__('os').system",
    "eval": "out = eval('1')",
    "exec": "out = exec",
    "a real os": "import os\nout = os.system",
    "a real sys": "import sys\nout = sys.modules",
    "a subprocess": "import subprocess\nout = subprocess.Popen",
    "ctypes": "import ctypes\nout = ctypes.CDLL",
    "gc": "import gc\nout = gc.get_objects()",
    "code of a function": "def f(): pass\nout = f.__code__",
    "a closure": "def f():\n    x = 1\n    return lambda: x\nout = f().__closure__",
    "dict of an object": "out = model.__dict__",
    "vars": "out = vars(model)",
    "a loader": "import math\nout = math.__loader__",
    "reduce_ex": "out = (1).__reduce_ex__(2)",
    "getattribute": "out = object.__getattribute__",
    "init_subclass": "class A:\n    def __init_subclass__(cls): pass\nout = 1",
    "class_getitem": "class A:\n    def __class_getitem__(cls, x): pass\nout = 1",
    "what deepcopy asks of an instance": (
        "import copy\nfrom types import SimpleNamespace\nclass A: pass\n"
        "holder = SimpleNamespace(**{'__reduce_ex__': lambda p: (lambda: A, (), (None, {'__match_args__': (1,)}))})\n"
        "out = copy.deepcopy(holder)\nout = 1 if out is A else None or model.__dict__"
    ),
    "what deepcopy asks of arguments": (
        "import copy\nfrom transformers import TrainingArguments\nhit = []\n"
        "copy.deepcopy(TrainingArguments('x', **{'__deepcopy__': lambda memo: hit.append(memo)}))\n"
        "out = hit[0] if hit else model.__dict__"
    ),
    "arguments' names": (
        "import argparse, copy\nhit = []\nparser = argparse.ArgumentParser()\n"
        "parser.set_defaults(**{'__deepcopy__': lambda memo: hit.append(memo)})\ncopy.deepcopy(parser.parse_args([]))\n"
        "out = hit[0] if hit else model.__dict__"
    ),
    "a frame of a coroutine": "async def f(): pass\nout = f().cr_await",
    "a generator's frame in a class body": "class A:\n    g = (1 for _ in [1])\nout = A.g.gi_frame",
    "a context of an error": "try:\n    1 / 0\nexcept Exception as e:\n    out = e.__context__",
    "a format specification": "out = f'{1:{().__class__.__base__}}'",
    "format of a subclass": "class S(str): pass\nout = S('{0.__class__.__mro__}').format(1)",
    "a map of formats": "out = list(map(str.format, ['{0.__class__.__base__}'], [1]))",
    "a configuration's class": "from mmengine import Config\nout = Config().__class__.__base__.__subclasses__()",
    "a configuration's function": "from mmengine import Config\nout = Config.fromfile.__globals__",
    "a class that a library's stands under": (
        "import click\nclass A(click.Command): pass\nout = A(1).__init__.__func__.__globals__"
    ),
    "the function of a partial": "from functools import partial\nout = partial(getattr, 1).func.__globals__",
    "what a cache wraps": "from functools import lru_cache\n@lru_cache\ndef f(): pass\nout = f.__wrapped__",
    "a property's function": "class A:\n    @property\n    def x(self): pass\nout = A.x.fget.__globals__",
    "a method's function": "class A:\n    def f(self): pass\nout = A().f.__func__",
    "a builtin's module": "out = len.__self__",
    "a value pattern": "match 1:\n    case model.__class__.__mro__:\n        pass",
    "the rest of a mapping pattern": "match {}:\n    case {**__builtins__}:\n        out = __builtins__",
    "a walrus over a guard": "(_getattr_ := 1)\nout = 1",
    "a lambda's guard": "out = (lambda _getattr_: ().__class__.__base__)(lambda a, b: a)",
    "wide letters": "out = ().__\uff43lass__.__base__",
    "a cell of a class": "class A:\n    def f(self): return __class__\nout = A().f().__base__",
    "the code of a generator": "out = (i for i in [1]).gi_code",
    "an encoder of json": "import json\nout = json.dumps.__globals__",
    "the members of an enumeration": "from enum import Enum\nclass E(Enum):\n    a = 1\nout = E.__members__",
    "an annotation of a named tuple": (
        "from typing import NamedTuple\nclass P(NamedTuple):\n    a: int\nout = P.__annotations__"
    ),
    "the generator of a context manager": (
        "from contextlib import contextmanager\n@contextmanager\ndef f():\n    yield 1\nout = f().gen.gi_frame"
    ),
    "the scanner of expressions": "import re\nout = re.Scanner",
    "a generic's arguments": "out = list[int].__args__",
    "our own modules": "from freezecore.importing.execution import guards\nout = guards",
    "a decorator of the open function": "out = open('/etc/passwd')",
}


@pytest.fixture(scope="module")
def tree():
    return read_source(ModelSource.parse("timm:resnet18"))


@pytest.mark.parametrize("name", ADVISORIES)
def test_a_known_way_out_gives_nothing(name, tree):
    """Refused by the compiler, or what comes of it is an unknown value: never the thing itself."""
    Open.blueprint = Blueprint(isolated.plain(tree))
    begin(ScriptRun())
    try:
        script = Script(ADVISORIES[name])
    except (NotPython, SyntaxError):
        return
    space = {"__builtins__": script_builtins.builtins(), "__name__": "__main__", **guards.hooks()}
    space["model"], space["_fx_star_"] = Open.blueprint.build(), lambda module: None
    try:
        exec(script.code, space)
    except Exception as error:
        assert isinstance(error, (TypeError, AttributeError, ValueError, NameError)), error
    assert type(space.get("out", Unknown())) is Unknown


@pytest.mark.parametrize("name", ADVISORIES)
def test_a_known_way_out_ends_in_a_selection_or_a_sentence(name, tree):
    try:
        found = import_rules(ADVISORIES[name] + FREEZES, tree)
    except FreezeError as error:
        assert error.problem and error.hint
    else:
        assert found.rules == "freeze all"


HOSTILE = {
    "an endless loop": "import os\nwhile True:\n    pass" + FREEZES,
    "an endless function": "def f(n):\n    return f(n + 1)\nf(0)" + FREEZES,
    "too much memory": "x = [0] * 10**12" + FREEZES,
    "memory by and by": "import os\nx = []\nwhile True:\n    x.append('a' * 10**6)" + FREEZES,
    "a power": "import os\nx = 10 ** 10 ** 9" + FREEZES,
    "a fork": "import os\nwhile os.fork() or True:\n    break" + FREEZES,
    "four megabytes": "x = 1\n" * 700_000,
    "ten thousand brackets": "import os\nx = " + "[" * 10_000 + "]" * 10_000 + FREEZES,
    "ten thousand nots": "import os\nx = " + "not " * 10_000 + "1" + FREEZES,
    "a hundred megabytes of print": "for i in range(1_000):\n    print('x' * 100_000)" + FREEZES,
    "an expression that explodes": "import re\nre.match('(a+)+$', 'a' * 40 + 'b')" + FREEZES,
    "half of a script": "for name, p in model.named_parameters():\n    if 'layer4' in name:",
    "a script that trains nothing": "import torch\nprint(torch.__version__)\n",
    "a script that needs a file": "import json\ncfg = json.load(open('config.json'))\nprint(cfg['layers'])\n",
    "a script that ends itself": "import sys\nsys.exit(1)" + FREEZES,
    "a script that raises": "raise RuntimeError('no')" + FREEZES,
    "only a comment": "# model.requires_grad_(False)\nimport torch\n",
    "surrogates": "import os\nx = '\\ud800'" + FREEZES,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_ends_in_a_selection_or_a_sentence_within_seconds(name, tree):
    begun = time.monotonic()
    try:
        found = import_rules(HOSTILE[name], tree)
    except FreezeError as error:
        assert error.problem and "Traceback" not in str(error)
    else:
        assert found.spec is not None
    assert time.monotonic() - begun < MOST_SECONDS


def test_a_script_for_another_model_is_said_to_be(tree):
    text = "import timm\nm = timm.create_model('vit_base_patch16_224')\nm.blocks.requires_grad_(False)\n"
    with pytest.raises(FreezeError) as refused:
        import_rules(text, tree)
    assert "'blocks' is not in this one" in refused.value.hint and "vit_base_patch16_224" in refused.value.hint


PROBES = {
    "a file": "open('/etc/hostname')",
    "a file for writing": "open('/tmp/freezecore-probe', 'w')",
    "a socket": "import socket",
    "a process": "import os; os.fork()",
    "a program": "import os; os.execv('/bin/true', ['true'])",
    "a folder": "import os; os.listdir('/')",
    "a library": "import ctypes",
}


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.skipif(sys.platform == "win32", reason="the walls are POSIX's")
def test_behind_the_second_wall_nothing_is_reached(name, tmp_path):
    """Code that got past the compiler, run where scripts are run: the wall alone refuses it."""
    code = f"""
import sys
sys.path[:0] = {[str(Path(isolated.ROOT)), str(Path(RestrictedPython.__file__).parents[1])]!r}
from freezecore.importing.execution import walls
stands = walls.raise_walls()
try:
    exec({PROBES[name]!r})
    sys.stdout.write("reached")
except BaseException as error:
    sys.stdout.write("refused")
sys.stdout.write(" " + ",".join(stands))
"""
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert ran.stdout.startswith("refused"), ran.stderr
    assert "audit" in ran.stdout and "limits" in ran.stdout


def test_the_answer_says_which_walls_stand(tree):
    answer = isolated.run("model.requires_grad_(False)", tree)
    assert {"audit", "limits"} <= set(answer["walls"]) or sys.platform == "win32"
    assert json.dumps(answer)
