"""The homework kit around ``helpers``: engine, views, fetch below; lessons and course above."""
