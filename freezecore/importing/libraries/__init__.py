"""Trainers' configurations, a file a library: `KEYS`, one of which it must have, and `read`, its own rule."""
