"""The verbs of the flow: what the page, the command line, notebooks and tests call.

    ModelSource -> LayerTree -> FreezeSpec -> Mask -> Estimate -> Probe -> Export

Verbs that need a real module import torch when they are called, not before.
"""
