"""The analyst: the one process of a server that reads and traces models, so that the page need not import torch."""
