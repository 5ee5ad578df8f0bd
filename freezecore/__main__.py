"""`python -m freezecore`: the same program as the `freezecore` command."""

import sys

from freezecore.cli import main

if __name__ == "__main__":
    sys.exit(main())
