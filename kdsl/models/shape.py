"""`Shape`: the parameter counts of a model by part, from its config.json without its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from kdsl.config import NANO, ModelConfig
from kdsl.errors import MissingDependency
from kdsl.models.base import VISION_TYPES, decoder_of, model_class, model_type_of
from kdsl.models.gemma import GEMMA
from kdsl.models.weights import find_weights


@dataclass(frozen=True)
class Layer:
    """Sizes of one decoder layer."""

    parameters: int
    linears: dict[str, tuple[int, int]]
    """Input and output sizes of its linear layers by name."""
    heads: int
    """Heads of its attention; of a recurrent layer, those of its state."""

    @property
    def recurrent(self) -> bool:
        """Whether it keeps a state instead of keys and values."""
        return "o_proj" not in self.linears


@dataclass(frozen=True)
class Shape:
    """Sizes of a model that kdsl can load; parameters by part, tied ones once."""

    vision: int
    """Parameters of the vision tower; 0 for a text-only model."""
    embeddings: int
    """Parameters of the token embeddings and, if it is not tied to them, the output projection."""
    norms: int
    """Other parameters of the language model, outside of layers and embeddings."""
    layers: tuple[Layer, ...]
    hidden: int
    vocabulary: int

    @property
    def parameters(self) -> int:
        """Parameters of the whole model."""
        return self.vision + self.language

    @property
    def language(self) -> int:
        """Parameters of the language model, including its output projection."""
        return self.embeddings + self.norms + sum(layer.parameters for layer in self.layers)

    @property
    def layer(self) -> int:
        """Parameters of the largest decoder layer."""
        return max(layer.parameters for layer in self.layers)

    @property
    def linears(self) -> list[tuple[int, int]]:
        """Input and output sizes of each linear layer in the decoder layers."""
        return [sizes for layer in self.layers for sizes in layer.linears.values()]

    @property
    def linear_weights(self) -> int:
        """Weights of these linear layers, without biases."""
        return sum(inputs * outputs for inputs, outputs in self.linears)


def read_shape(config: ModelConfig) -> Shape:
    """The shape of the model that a role's config names; only config.json is downloaded from a hub.

    Raises:
        MissingDependency: config.json is missing and cannot be downloaded.
        ConfigError: it describes another kind of model.
    """
    from transformers import AutoConfig

    folder = _config_folder(config)
    kind = model_class(model_type_of(folder))
    try:
        found = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError) as error:
        raise MissingDependency(f"the model's config could not be read: {error}") from error
    with torch.device("meta"):
        return shape_of(kind.from_config(found))


def shape_of(model: Any) -> Shape:
    """The shape of a model in memory, or on the meta device."""
    text = decoder_of(model)[1]
    vision = _count(model.model.visual) if model.config.model_type in VISION_TYPES else 0
    layers = sum(_count(each) for each in text.layers)
    embeddings = text.embed_tokens.weight.numel()
    return Shape(
        vision=vision,
        embeddings=_count(model) - vision - _count(text) + embeddings,
        norms=_count(text) - layers - embeddings,
        layers=tuple(_layer(layer, text.config) for layer in text.layers),
        hidden=text.config.hidden_size,
        vocabulary=text.config.vocab_size,
    )


def _layer(layer: torch.nn.Module, config: Any) -> Layer:
    linears = {
        name.rpartition(".")[2]: (module.in_features, module.out_features)
        for name, module in layer.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    heads = config.num_attention_heads if "o_proj" in linears else config.linear_num_value_heads
    return Layer(_count(layer), linears, heads)


def _count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _config_folder(config: ModelConfig) -> Path:
    """The folder of config.json, which is downloaded if necessary."""
    source = config.source
    here = source in (NANO, GEMMA) or Path(source).expanduser().is_dir()
    if here or source.count("/") != 1 or source.startswith((".", "~")):
        return find_weights(config)
    try:
        if config.hub == "modelscope":
            from modelscope import snapshot_download

            return Path(snapshot_download(source, allow_file_pattern=["config.json"]))
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(source, "config.json", etag_timeout=10)).parent
    except Exception as error:  # hub libraries raise exceptions of requests, urllib3 and their own API
        raise MissingDependency(
            f"the config.json of '{source}' could not be read, neither in the cache nor on {config.hub} "
            f"({type(error).__name__}). Fetch the model where there is a network, or give a local folder as `source`."
        ) from error
