"""Llama-like decoders: a backward pass written out, for all steps of a text at once."""
