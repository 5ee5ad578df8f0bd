"""What a tick in the tree is answered with: at once by a plain request, and whole by the page's own run."""
