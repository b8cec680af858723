"""The logit lens: what a model would predict if it ended after each of its layers.

After nostalgebraist (2020), "interpreting GPT: the logit lens".
"""

from typing import TYPE_CHECKING, Any

import torch

from hw7.engine.errors import NotExplainableError
from hw7.engine.llama.recorder import Recorder
from hw7.engine.token_probabilities import TokenProbability, told

if TYPE_CHECKING:
    from inseq.data import BatchEncoding
    from inseq.models import AttributionModel

_FINAL_NORMS = (
    "norm", "ln_f", "final_layernorm", "final_layer_norm", "norm_f", "layer_norm", "layernorm",
    "final_norm", "ln_out",
)  # fmt: skip


def logit_lens(
    model: "AttributionModel", targets: "BatchEncoding", place: int
) -> list[TokenProbability]:
    """Return what is predicted for a token after each layer.

    Args:
        model: Inseq's model, decoder-only.
        targets: The prompt followed by what was generated, ids `[1, target]`.
        place: The place of the token in the targets.

    Returns:
        One for each layer, from the first on: the softmax of the logits that the model gives, from
        its final norm on, for the state behind that layer. The last one is the model's own.

    Raises:
        NotExplainableError: The model does not end in a norm and an output head.
    """
    network, ids = model.model, targets.input_ids
    norm = _final_norm(network)
    with torch.no_grad():
        with Recorder([norm], []) as recorder:
            output = network(ids[:, :place], use_cache=False, output_hidden_states=True)
        # Transformers gives the last state behind the norm, the others before it.
        states = [*output.hidden_states[1:-1], recorder.inputs[norm]]
        read = torch.stack([state[0, -1:].to(states[-1].device) for state in states])
        # By the model itself, which may project what its head reads, and scale or cap its logits.
        replacing = norm.register_forward_pre_hook(lambda module, given: (read, *given[1:]))
        try:
            logits = network(ids[:, :1].repeat(len(read), 1), use_cache=False).logits[:, 0]
        finally:
            replacing.remove()
        own = output.logits[0, -1].to(logits.device)
        # Rounding, of float32 where the norms are computed in it.
        rounding = max(torch.finfo(kind).eps for kind in (logits.dtype, torch.float32)) ** 0.5
        # Not `>`, which what is not a number would pass.
        if not (logits[-1] - own).abs().max() <= rounding * own.abs().max():
            raise NotExplainableError(_refusal(network))
        shares = logits.to(torch.promote_types(logits.dtype, torch.float32)).softmax(-1)
    written = int(ids[0, place])
    return [told(written, row) for row in shares]


def _final_norm(network: Any) -> Any:
    """Return the norm between the last layer and the output head."""
    if not network.config.is_encoder_decoder and network.get_output_embeddings() is not None:
        body = network.base_model
        for part in (body, getattr(body, "decoder", body)):
            for name in _FINAL_NORMS:
                if isinstance(norm := getattr(part, name, None), torch.nn.Module):
                    return norm
    raise NotExplainableError(_refusal(network))


def _refusal(network: Any) -> str:
    return (
        f"{type(network).__name__} does not end in a norm and an output head alone, so its layers "
        "cannot be read by the logit lens. Use a generator such as Llama, Qwen or GPT-2."
    )
