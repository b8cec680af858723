"""Error rates that others have published, to be shown beside our own."""

PUBLISHED_ERROR_RATES = {
    "attention, best layer, read at the input": (0.282, 0.282),
    "attention, best layer, read at the output": (0.499, 0.499),
    "fast_align": (0.270, 0.320),
    "MGIZA": (0.206, 0.231),
}
"""Lowest and highest published alignment error rate, German-English, gold of 508 pairs.

Reading attention at the decoder's input and at its output is compared by Chen et al. 2020,
"Accurate Word Alignment Induction from Neural Machine Translation". The statistical aligners are
the results of https://github.com/lilt/alignment-scripts; direction, and the way to join both
directions, make the range. Another language pair, other sentences and another gold: what compares
is the order, not the figure.
"""
