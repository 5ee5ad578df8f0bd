"""The server: how it starts, what it does before the first visitor, and what stands around the page."""
