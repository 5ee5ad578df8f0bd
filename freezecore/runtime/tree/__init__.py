"""From a module to a LayerTree: its nodes, towers, blocks, head, marks and order."""
