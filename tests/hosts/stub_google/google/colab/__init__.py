"""Stands in for the package that Colab preinstalls; what notebooks may call does nothing."""
