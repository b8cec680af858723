"""Read submissions without executing them, and mark what is in them."""
