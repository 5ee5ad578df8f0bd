"""Data for probes: read by name, then encoded for one model."""
