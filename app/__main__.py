"""`python -m app` starts the page: one person, or with `--room` a class."""

from .server.launch import main

main()
