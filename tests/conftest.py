"""Every test runs without a network, with caches in a temporary folder, from fixed seeds."""

import os
import tempfile

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["OMP_WAIT_POLICY"] = "passive"
os.environ["FREEZE_EXPLORER_HOME"] = tempfile.mkdtemp(prefix="freeze-explorer-tests-")


@pytest.fixture(autouse=True)
def _seeded(request):
    """Seeds torch only where a test has already imported it: the light half is tested without it."""
    import sys

    if "torch" in sys.modules:
        import torch

        torch.manual_seed(0)
        torch.set_num_threads(1)
