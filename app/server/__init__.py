"""The server: how it starts, what it does before the first visitor, and the routes beside the page."""
