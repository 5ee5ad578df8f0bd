"""Many selections measured alike: sweeps, the search within a budget, suggestions, and what is more than noise."""
