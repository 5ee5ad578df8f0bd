"""From a source to a module: which library has it, how it is built, with which weights."""
