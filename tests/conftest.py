"""Every test runs without a network, with caches in a temporary folder, from fixed seeds."""

import os
import sys
import tempfile

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["OMP_WAIT_POLICY"] = "passive"
os.environ["FREEZE_EXPLORER_HOME"] = tempfile.mkdtemp(prefix="freeze-explorer-tests-")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Stands here because pytest reads options before it finds the folders below."""
    parser.addoption("--update-pictures", action="store_true", help="take the browser tests' reference pictures anew")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Every test, its module's fixtures included, meets torch as it is when freshly imported.

    The light half is tested without torch, so nothing is imported here.
    """
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
        torch.set_num_threads(1)
        torch.set_grad_enabled(True)
