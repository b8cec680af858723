import pytest
import torch

from hw7.engine.llama import matrix_products
from hw7.engine.llama.matrix_products import FastLinear, product, sum_with_product

# Sums of 40 products of standard normal numbers, in another order: about 1e-6 in float32.
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-12}


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def matrices(request):
    generator = torch.Generator().manual_seed(7)
    shapes = ((5, 40), (40, 24), (5, 24))
    return [torch.randn(s, generator=generator, dtype=request.param) for s in shapes]


def assert_close(found, expected):
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < TOLERANCE[expected.dtype]


def test_product_is_torchs_own(matrices):
    rows, weight, _ = matrices
    assert_close(product(rows, weight), rows @ weight)


def test_product_reads_views_as_they_are(matrices):
    rows, weight, _ = matrices
    assert_close(product(rows[1:, ::2], weight[::2]), rows[1:, ::2] @ weight[::2])


def test_sum_with_product_adds_to_the_total(matrices):
    rows, weight, total = matrices
    expected = total + rows @ weight
    assert_close(sum_with_product(total, rows, weight), expected)


def test_without_onednn_the_numbers_stay(matrices, monkeypatch):
    rows, weight, total = matrices
    fast = product(rows, weight), sum_with_product(total.clone(), rows, weight)
    monkeypatch.setattr(matrix_products, "has_onednn", lambda rows: False)
    slow = product(rows, weight), sum_with_product(total.clone(), rows, weight)
    for ours, theirs in zip(fast, slow, strict=True):
        assert_close(ours, theirs)


@pytest.mark.parametrize("has_bias", [True, False])
def test_linear_layers_without_a_graph_give_the_same(has_bias, matrices):
    rows, weight, _ = matrices
    layer = torch.nn.Linear(*weight.shape, bias=has_bias, dtype=weight.dtype)
    expected = layer(rows.view(1, 5, 40))
    with torch.no_grad(), FastLinear():
        found = layer(rows.view(1, 5, 40))
    assert_close(found, expected)


def test_linear_layers_without_a_graph_go_through_onednn(monkeypatch):
    if not matrix_products.onednn_works():
        pytest.skip("this build of torch has no oneDNN")
    called = []
    original = matrix_products._onednn_product
    monkeypatch.setattr(
        matrix_products, "_onednn_product", lambda *a: called.append(1) or original(*a)
    )
    layer = torch.nn.Linear(4, 4)
    with torch.no_grad(), FastLinear():
        layer(torch.ones(2, 4))
    assert called == [1]
    with torch.no_grad():
        layer(torch.ones(2, 4))
    assert called == [1]


def test_linear_layers_with_a_graph_stay_as_they_are():
    layer = torch.nn.Linear(4, 4)
    with FastLinear():
        output = layer(torch.ones(2, 4))
    assert "Addmm" in type(output.grad_fn).__name__


def test_other_precisions_go_through_torch():
    assert not matrix_products.has_onednn(torch.ones(1, dtype=torch.float64))


@pytest.mark.parametrize("broken", [RuntimeError("not here"), None], ids=["raises", "wrong"])
def test_an_operator_that_fails_or_miscounts_is_not_used(monkeypatch, broken):
    def operator(rows, weight):
        if broken:
            raise broken
        return rows @ weight + 1

    monkeypatch.setattr(matrix_products, "_onednn_product", operator)
    matrix_products.onednn_works.cache_clear()
    try:
        assert not matrix_products.has_onednn(torch.ones(1))
    finally:
        matrix_products.onednn_works.cache_clear()
