"""What notebooks 04 and 05 call, and the explorer."""
