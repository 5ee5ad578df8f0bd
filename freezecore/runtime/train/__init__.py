"""Training: a session's model and data, a run, its phases and steps, and what they measure."""
