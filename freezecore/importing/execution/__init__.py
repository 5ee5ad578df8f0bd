"""Execution: pasted Python is run against a stand-in of the model, in a process of its own (`child.py`)."""
