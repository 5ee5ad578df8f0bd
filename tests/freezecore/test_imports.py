"""What importing costs, as counts of modules: times would depend on the machine."""

import json
import pkgutil
import subprocess
import sys

import pytest

import freezecore as fc

LOADED = "import json, sys; print(json.dumps(sorted(sys.modules)))"
DEAR = {"torch", "numpy", "yaml", "jinja2", "pandas", "timm", "transformers", "email", "importlib.metadata"}


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has after this code, beside those it starts with."""
    outputs = [
        subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, timeout=60).stdout
        for text in (f"{code}\n{LOADED}", LOADED)
    ]
    after, before = (set(json.loads(output.splitlines()[-1])) for output in outputs)
    return after - before


def test_importing_freezecore_imports_nothing_of_it():
    assert {name for name in loaded_after("import freezecore") if name.startswith("freezecore")} == {"freezecore"}


def test_help_imports_no_command():
    code = "import freezecore.cli\ntry: freezecore.cli.main(['--help'])\nexcept SystemExit: pass"
    loaded = loaded_after(code)
    assert "freezecore.cli.output" in loaded
    assert not {name for name in loaded if name.split(".")[0] in DEAR or name in DEAR}
    ours = {name for name in loaded if name.startswith("freezecore.")}
    light = {"freezecore.errors", "freezecore.sentences"}
    assert ours == {"freezecore.cli", "freezecore.cli.output", *light}


def test_the_light_half_imports_no_dear_library():
    code = "import freezecore as fc; fc.FreezeSpec.parse('freeze all'); fc.ModelSource.parse('timm:resnet18')"
    assert not loaded_after(code) & DEAR


@pytest.mark.parametrize("name", sorted(m.name for m in pkgutil.walk_packages(fc.__path__, "freezecore.")))
def test_every_module_can_be_imported_under_a_name_of_ones_own(name):
    """`import freezecore.x.y as z` reads attributes, so no verb may hide a module."""
    if not name.endswith("__main__"):
        space = {}
        exec(f"import {name} as module", space)
        assert space["module"].__name__ == name


def test_a_verb_stays_a_verb_after_every_module_was_imported():
    assert all(callable(getattr(fc, name)) for name in fc.__all__)
    assert set(fc.__all__) <= set(dir(fc))


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(fc, "aply")
