"""Questions, keys, submissions and gradebooks; nothing here executes a submission."""
