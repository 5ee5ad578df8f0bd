"""The pages: each reads the state, calls the core and draws."""
