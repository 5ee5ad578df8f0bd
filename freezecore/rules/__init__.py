"""The rule language: read and print it, find what a selector hits, and turn ticks back into the shortest rules."""
