"""The pricing process: works out what a tick comes to beside the web process, which goes on answering others meanwhile.

client      the page's side: asks, waits for a moment, and does without
server      the process, which needs no torch
"""
