"""Builds the bundled Chinese to English translator: grammar, tokenizer, training, evaluation.

The translator in ``assets/models/tiny-zh-en`` comes from the grammar before this one: its words,
held-out sentences, recipe and model card are those of that grammar until ``make tiny-translator``
trains it again.
"""
