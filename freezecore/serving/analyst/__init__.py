"""The analyst: the one process of a server that reads and traces models, so that the page need not import torch.

client      the page's side: shares, remembers, limits, restarts
protocol    what goes over the pipe between them
server      the process with torch
"""
