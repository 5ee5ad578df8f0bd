"""The server: how it starts, what it does before the first visitor, its bounds, and its routes beside the page."""
