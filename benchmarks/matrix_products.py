"""Speed of matrix products with the shapes of SmolLM2's backward pass: MKL and oneDNN in turns.

python benchmarks/matrix_products.py
"""

import statistics
import time
from collections.abc import Callable

import torch

from hw7.engine.llama.matrix_products import has_onednn, product

SHAPES = ((1536, 576), (576, 1536), (576, 576))
ROWS = (64, 256, 768, 2048)
REPEATS = 15


def seconds(run: Callable[[], object]) -> float:
    """Return how long one run takes."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> None:
    """Print a table of billions of operations in a second."""
    if not has_onednn(torch.ones(1)):
        raise SystemExit("This build of torch has no oneDNN, or no processor it knows.")
    print(f"{'rows':>6}{'inner':>7}{'outer':>7}{'MKL':>8}{'oneDNN':>8}{'ratio':>7}")
    for rows in ROWS:
        for inner, outer in SHAPES:
            left, weight = torch.randn(rows, inner), torch.randn(inner, outer)
            runs = (lambda: left @ weight, lambda: product(left, weight))  # noqa: B023
            taken = [[seconds(run) for run in runs] for _ in range(REPEATS)]
            mkl, onednn = (statistics.median(column) for column in zip(*taken, strict=True))
            work = 2 * rows * inner * outer / 1e9
            numbers = f"{work / mkl:>8.0f}{work / onednn:>8.0f}{mkl / onednn:>7.2f}"
            print(f"{rows:>6}{inner:>7}{outer:>7}{numbers}")


if __name__ == "__main__":
    main()
