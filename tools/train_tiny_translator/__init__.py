"""Builds the bundled Chinese to English translator: grammar, tokenizer, training, evaluation."""
