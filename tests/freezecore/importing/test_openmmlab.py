"""Several configurations of OpenMMLab in one paste, held against what mmengine's own `Config` makes of their files."""

import json
import re
from pathlib import Path

import pytest

from freezecore._resolve import resolve
from freezecore.errors import ExportError
from freezecore.importing import import_rules
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource

FOLDER = Path(__file__).parents[2] / "data" / "imports" / "openmmlab"
JUDGED = json.loads((FOLDER / "judged.json").read_text())


@pytest.fixture(scope="module")
def tree():
    return read_source(ModelSource.parse("timm:resnet18"))


def frozen_of(tree, stages, norms):
    """What `ResNet._freeze_stages` and `build_norm_layer` freeze."""
    stem = ("conv1.", "bn1.", *(f"layer{i}." for i in range(1, stages + 1))) if stages >= 0 else ()
    return {
        p.name for p in tree.parameters if p.name.startswith(stem) or norms and re.search(r"bn\d|downsample\.1", p.name)
    }


@pytest.mark.parametrize("name", JUDGED)
def test_configurations_pasted_together_freeze_what_mmengine_makes_of_their_files(name, tree):
    wanted = frozen_of(tree, JUDGED[name]["frozen_stages"], JUDGED[name]["norms"])
    text = (FOLDER / f"{name}.txt").read_text()
    if not wanted:
        with pytest.raises(ExportError, match="Nothing in this text says what to freeze"):
            import_rules(text, tree)
        return
    found = import_rules(text, tree)
    assert found.unread == ()
    assert {p.name for p in tree.parameters} - set(resolve(found.spec, tree).names()) == wanted


CHILD = "_base_ = './base.py'\nmodel = dict(head=dict(num_classes=2))\n"
BASE = "model = dict(backbone=dict(frozen_stages=2))\n"
TOGETHER = {
    "written by a notebook": f"%%writefile a/base.py\n{BASE}\n%%writefile a/mine.py\n{CHILD}",
    "in a document": f"a/base.py:\n```python\n{BASE}```\n**a/mine.py**\n```python\n{CHILD}```\n",
    "headed by texts": f'"""a/base.py"""\n{BASE}"""a/mine.py"""\n{CHILD}',
    "a base inline": "_base_ = dict(model=dict(backbone=dict(frozen_stages=2)))\nmodel = dict(head=dict(a=2))\n",
    "a base inline in YAML": "_base_:\n  model:\n    backbone:\n      frozen_stages: 2\nmodel:\n  head:\n    a: 2\n",
    "a Config": "from mmengine import Config\ncfg = Config(dict(model=dict(backbone=dict(frozen_stages=2))))\n",
    "a Config's attribute": "from mmcv import Config\ncfg = Config(dict(model=dict(backbone=dict())))\n"
    "cfg.model.backbone.frozen_stages = 2\n",
    "a Config's options": "from mmengine.config import Config\ncfg = Config(dict(model=dict(backbone=dict())))\n"
    "cfg.merge_from_dict({'model.backbone.frozen_stages': 2})\n",
}


@pytest.mark.parametrize("how", TOGETHER)
def test_a_base_is_followed_however_it_is_pasted_along(how, tree):
    found = import_rules(TOGETHER[how], tree)
    assert (found.rules, found.unread) == ("freeze conv1 bn1 layer1 layer2", ())


MISSING = "the configuration that this one stands on is not pasted along"
TOLD = {
    "another base was pasted": (f"# other.py\n{BASE}# mine.py\n{CHILD}{BASE}", 4, MISSING),
    "what stands above has no model": (f"lr = 1\n{CHILD}{BASE}", 2, MISSING),
    "it stands on itself": (f"# base.py\n{CHILD}{BASE}", 2, MISSING),
    "another package's": (f"_base_ = 'mmdet::a/base.py'\n{BASE}", 1, MISSING),
    "a hook of the base": (
        f"# base.py\ncustom_hooks = [dict(type='FreezeHook')]\n# mine.py\n_base_ = 'base.py'\n{BASE}",
        2,
        "what 'FreezeHook' freezes is not known",
    ),
    "two that nothing stands on": (
        f"# mine.py\n{CHILD}# base.py\n{BASE}# last.py\n{CHILD}",
        1,
        "of several configurations only the last is followed",
    ),
    "a number that is not known": (
        f"from args import n\nteacher = dict(frozen_stages=n)\n{BASE}",
        2,
        "what 'frozen_stages' freezes is not known",
    ),
    "options for a file": (
        "from mmengine import Config\ncfg = Config.fromfile('a.py')\n"
        f"cfg.merge_from_dict({{'model.backbone.frozen_stages': 3}})\n{BASE}",
        3,
        "what 'Config.fromfile().merge_from_dict' freezes is not known",
    ),
    "an item of a file's": (
        f"from mmengine import Config\ncfg = Config.fromfile('a.py')\ncfg.model['frozen_stages'] = 3\n{BASE}",
        3,
        "what 'Config.fromfile().model.frozen_stages' freezes is not known",
    ),
}


@pytest.mark.parametrize("why", TOLD)
def test_what_a_configuration_leaves_open_is_told_with_its_line(why, tree):
    text, line, reason = TOLD[why]
    assert (line, reason) in [(row.line, row.why) for row in import_rules(text, tree).unread]


def test_the_line_that_states_the_stages_is_the_one_that_froze(tree):
    found = import_rules(f"# base.py\n{BASE}# mine.py\n{CHILD}", tree)
    assert [row.line for row in found.lines] == [2]
