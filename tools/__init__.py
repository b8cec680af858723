"""What maintainers run: training, notebooks, answer sheets, versions."""
