"""The explorer: a form, and results in tabs."""
