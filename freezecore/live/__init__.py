"""The half that holds real modules: building, reading, tracing and training. Only files in here import torch."""
