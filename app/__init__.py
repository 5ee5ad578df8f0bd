"""The page: draws, asks the analyst, and holds no formula."""
