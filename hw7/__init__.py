"""The homework kit around the helpers: engine, views, fetch below them; lessons and course above."""
