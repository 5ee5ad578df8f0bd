"""Example inputs: what a model takes, made up where nobody gives any."""
