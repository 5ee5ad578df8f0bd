"""The half that holds real modules: building, reading, tracing and training. Only files in here import torch."""

import os
import re

from freezecore.cache.keys import versions
from freezecore.errors import MissingLibrary

OLDEST = {"torch": "2.14.1", "timm": "1.0.28", "transformers": "5.20"}  # with older ones nothing was tested

# Threads that spin while they wait make a step many times slower where other processes share the cores: they sleep.
# OpenMP reads this once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# torch's profiler tells every start and stop on standard error; it reads this when it first starts.
os.environ.setdefault("KINETO_LOG_LEVEL", "99")
for _library, _found in versions(OLDEST).items():
    _numbers, _least = ([int(part) for part in re.findall(r"\d+", text)] for text in (_found, OLDEST[_library]))
    if _numbers[: len(_least)] < _least:
        raise MissingLibrary(
            "This needs {library} {least} or newer; {found} is installed.",
            "pip install --upgrade '{library}>={least}'",
            library=_library,
            least=OLDEST[_library],
            found=_found,
        )
