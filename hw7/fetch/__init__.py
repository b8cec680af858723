"""Fetching models: the hub's protocol, the package index, checksums, conversion."""
