"""On a person's own model: holding what is frozen, proving it, unfreezing by schedule, and what wraps it."""
