"""The half that holds real modules: building, reading, tracing and training. Only files in here import torch."""

import os
import re
from collections.abc import Iterable

from freezecore.cache.keys import versions
from freezecore.errors import MissingLibrary

OLDEST = {"torch": "2.14.1", "timm": "1.0.28", "transformers": "5.20"}  # with older ones nothing was tested

# Threads that spin while they wait make a step many times slower where other processes share the cores: they sleep.
# OpenMP reads this once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# torch's profiler tells every start and stop on standard error; it reads this when it first starts.
os.environ.setdefault("KINETO_LOG_LEVEL", "99")


def require_tested(libraries: Iterable[str]) -> None:
    """Refuse an older version than was ever tested of any of these libraries that `OLDEST` has and that is installed.

    Raises:
        MissingLibrary: names the library, its version, and what to install.
    """
    for library, found in versions(name for name in libraries if name in OLDEST).items():
        numbers, least = ([int(part) for part in re.findall(r"\d+", text)] for text in (found, OLDEST[library]))
        if numbers[: len(least)] < least:
            raise MissingLibrary(
                "This needs {library} {least} or newer; {found} is installed.",
                "pip install --upgrade '{library}>={least}'",
                library=library,
                least=OLDEST[library],
                found=found,
            )


require_tested(["torch"])  # the others where a model of theirs is met
