"""The one error of its own that the engine raises."""


class NotExplainableError(ValueError):
    """A model, a method or a score that would give wrong scores or none; the message says why."""
