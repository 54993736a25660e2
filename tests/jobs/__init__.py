"""The jobs: what happens later."""
