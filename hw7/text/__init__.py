"""Text as words, sentences and turns, without a model and without a heatmap; a leaf."""
