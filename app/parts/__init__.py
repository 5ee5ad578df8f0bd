"""Pieces of the page, each drawing one thing."""
