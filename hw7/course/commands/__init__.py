"""The sub-commands of ``hw7``, one module each, imported only when called."""
