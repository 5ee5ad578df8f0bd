"""Many selections of one model measured alike: sweep, find, suggest, compare."""
