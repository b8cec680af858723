"""What a model reads and writes as text: limits, templates, words and sentences; a leaf."""
