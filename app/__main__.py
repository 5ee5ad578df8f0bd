"""`python -m app` starts the page: one person, or with `--room` a class."""

from app.server.launch import main

main()
