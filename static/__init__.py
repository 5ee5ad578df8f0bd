"""The page without a server: packed models, and the folder of plain files that shows them in a reader's browser."""
