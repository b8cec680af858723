"""The errors of its own that the engine raises."""


class NotExplainableError(ValueError):
    """A model, method, score or option that gives wrong scores or none; the message says why."""


class TooLargeError(MemoryError):
    """A model or an attribution needs more memory than is free; the message says what would fit."""
