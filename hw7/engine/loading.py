"""Load weights and tokenizer with Transformers, and wrap them as Inseq does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from hw7.engine.errors import NotExplainableError
from hw7.engine.placement import placement

if TYPE_CHECKING:
    import torch
    from inseq.models import AttributionModel

_STARTS = ("decoder_start_token_id", "bos_token_id")


def load_weights(
    address: str,
    name: str,
    device: str,
    dtype: "torch.dtype",
    quantization: str | None,
    *,
    is_local: bool,
    tell: Callable[[str], None],
) -> tuple[Any, Any]:
    """Return a Transformers model, whose attention is computed eagerly, and its tokenizer.

    Args:
        address: A folder, or a name on the hub.
        name: What to call the model.
        device: The device chosen.
        dtype: The floating-point type of the weights.
        quantization: ``"8bit"``, ``"4bit"`` or None.
        is_local: The files are on this machine, so that no hub is asked.
        tell: Called with a sentence where the weights are spread over several places.

    Raises:
        TooLargeError: Says how much is needed, how much there is, and what would fit.
        NotExplainableError: The model reads or writes something else than text.
        ValueError: The files lack weights.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    places = {"local_files_only": is_local}
    config = AutoConfig.from_pretrained(address, **places)
    family = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    if type(config) not in family._model_mapping:
        raise NotExplainableError(
            f"{name} is no translator and continues no text: it is of the family "
            f"{config.model_type}. Give a model that reads and writes text."
        )
    placed, note = placement(family, config, dtype, quantization, device, name)
    if note:
        tell(note)
    # What is said here wins: a quantized model already has its place.
    settings = placed | _settings(device, dtype, quantization)
    tokenizer = AutoTokenizer.from_pretrained(address, **places)
    with _no_progress_bars():
        model, report = family.from_pretrained(
            address, output_loading_info=True, **settings, **places
        )
    # Transformers fills what a file lacks with random numbers, and only warns.
    if missing := sorted(report["missing_keys"]):
        raise ValueError(f"there are no weights for {missing[0]}")
    return model, tokenizer


def _settings(device: str, dtype: "torch.dtype", quantization: str | None) -> dict[str, Any]:
    """Return the keyword arguments for ``from_pretrained``."""
    import transformers

    settings: dict[str, Any] = {"attn_implementation": "eager"}
    # Transformers 4.56 renamed the argument; the old name warns on new versions.
    has_new_name = Version(transformers.__version__) >= Version("4.56")
    settings["dtype" if has_new_name else "torch_dtype"] = dtype
    if quantization is not None:
        settings["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_8bit=quantization == "8bit", load_in_4bit=quantization == "4bit"
        )
        settings["device_map"] = {"": device}
    return settings


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Hide the bar for reading weights from disk (under a second); downloads keep theirs."""
    from transformers.utils import logging

    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()


def wrap(model: Any, tokenizer: Any, name: str, device: str) -> "AttributionModel":
    """Wrap a Transformers model as Inseq does, which asks for a padding and a start token.

    Raises:
        NotExplainableError: The model names no token that could be either.
    """
    import inseq

    spare = tokenizer.eos_token or tokenizer.bos_token or tokenizer.unk_token
    config = model.config
    if tokenizer.pad_token is None:
        tokenizer.pad_token = spare
    start = next((i for n in _STARTS if (i := getattr(config, n, None)) is not None), None)
    if start is None and spare and not config.is_encoder_decoder:
        # Where a prompt is continued, nothing is written before it: any token will do.
        start = config.bos_token_id = tokenizer.convert_tokens_to_ids(spare)
    if tokenizer.pad_token is None or start is None:
        raise NotExplainableError(
            f"The files of {name} name no start or end token, so nothing can be explained. "
            "Give another model."
        )
    if getattr(config, "pad_token_id", None) is None:
        config.pad_token_id = tokenizer.pad_token_id  # some configurations do not have the name
    attribution_model = inseq.load_model(model, "saliency", tokenizer=tokenizer, device=device)
    # Inseq would show the folder, a path of this machine.
    attribution_model.model_name = name
    return attribution_model
