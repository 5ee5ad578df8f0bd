"""The half that holds real modules: building, reading, tracing and training. Only files in here import torch."""

import os

# Threads that spin while they wait make a step many times slower where other processes share the cores: they sleep.
# OpenMP reads this once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# torch's profiler tells every start and stop on standard error; it reads this when it first starts.
os.environ.setdefault("KINETO_LOG_LEVEL", "99")
