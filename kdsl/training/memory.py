"""Estimates the device memory that training needs from the model's shape, before any weights are loaded.

An estimate, by these formulae (bytes; c = 2 in half precision, 4 in float32; t = samples in a batch x tokens):

weights      c per parameter. NF4 with double quantisation: 4.127 bits per weight of the language model's linear layers
             (Dettmers et al. 2023, arXiv 2305.14314, section 3), c for the rest.
trained      weight, gradient and Adam's two moments in float32, 16 per parameter (Rajbhandari et al. 2020, arXiv
             1910.02054, section 3.1), and in half precision 2 for the copy that autocast computes with. What `freeze`
             and `full` train stands here instead of among the weights: its own tensors wait in the CPU's memory.
             trl keeps LoRA on a 4-bit base in bfloat16: 8 per parameter.
activations  what autograd keeps of a decoder layer, counted tensor by tensor after Korthikanti et al. 2022 (arXiv
             2205.05198, section 4.1) for RMSNorm, SwiGLU, grouped queries repeated, and kernels that keep no attention
             matrix (`eager` does: 6 x heads x tokens^2). With checkpointing one input per layer and one whole layer
             (Chen et al. 2016, arXiv 1604.06174). Layers below the first trained one keep nothing. Recurrent layers
             (Gated DeltaNet) are counted by transformers' own code, in float32 and chunks of 64 tokens; the kernels of
             flash-linear-attention keep less.
logits       where answers stand: the model's, a float32 copy, its log-softmax and gradient.

Of several processes (`accelerate launch`) each has a GPU of its own, and the estimate is one GPU's:

ddp          all of the above, and 4 per trained parameter for the buckets in which gradients are summed.
zero2        of what is trained the copy that is computed with is whole, all else divided (Rajbhandari et al. 2020,
             section 5).
fsdp, zero3  weights and what is trained are divided. Whole are the vision tower, the embeddings and two decoder layers,
             the one in use and the next, which is being fetched. Before ZeRO-3 divides them the weights are whole.

The vision tower runs between steps, when the activations' room is free. The estimate leaves out the allocator's
fragments; `CONTEXT` stands for CUDA's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from kdsl.config import Config, ModelConfig
from kdsl.errors import ConfigError
from kdsl.machine import GIB
from kdsl.models.base import check_loadable, device_of
from kdsl.models.shape import Layer, Shape, read_shape
from kdsl.processes import method, world_size

CONTEXT = 1 * GIB
"""What CUDA, its libraries and the allocator take besides; assumed, not measured."""
ANSWER_TOKENS = 16
"""Tokens of a label with its end of turn, no fewer than those of the challenge's labels."""
NF4_BITS = 4.127
CHUNK = 64
"""Tokens that a recurrent layer takes at a time."""


@dataclass(frozen=True)
class Memory:
    """Bytes by what takes them."""

    parts: dict[str, int]

    @property
    def total(self) -> int:
        """All parts."""
        return sum(self.parts.values())

    def __str__(self) -> str:
        listed = ", ".join(f"{name} {size / GIB:.1f}" for name, size in self.parts.items())
        return f"{self.total / GIB:.1f} GiB ({listed})"


def training_memory(
    config: Config,
    shape: Shape,
    beside: Mapping[str, int] = MappingProxyType({}),
    *,
    processes: int = 1,
    how: str = "ddp",
) -> Memory:
    """The estimate of one GPU for a training by this config.

    Args:
        beside: name -> bytes of the weights of each further model on the same device.
        processes, how: over how many, and by what `kdsl.processes.method`, the training is divided.
    """
    large, lora = config.model("large"), config.training.regime == "lora"
    c, trained = _bytes(large), trained_parameters(config, shape)
    parts = {"weights": weight_bytes(large, shape) - (0 if lora else trained * c)}
    parts |= {f"{name} model": weights for name, weights in beside.items()}
    a_parameter = 8 if large.quantize == "4bit" else 16 + (c if c == 2 else 0)
    parts["trained"] = trained * a_parameter
    if processes > 1:
        parts |= _divided(parts, shape, trained, c, processes, how)
    parts["activations"] = activation_bytes(config, shape)
    parts["logits"] = config.training.batch_size * (ANSWER_TOKENS + 1) * shape.vocabulary * (c + 3 * 4)
    parts["CUDA"] = CONTEXT
    return Memory(parts)


def _divided(parts: Mapping[str, int], shape: Shape, trained: int, c: int, processes: int, how: str) -> dict[str, int]:
    """The parts of one GPU that differ where several share a training."""
    if how == "zero2":
        return {"trained": trained * c + (parts["trained"] - trained * c) // processes}
    if how not in ("fsdp", "zero3"):
        return {"gradient buckets": 4 * trained}
    whole = c * (shape.vision + shape.embeddings + 2 * shape.layer)
    weights = whole + parts["weights"] // processes
    return {
        "weights": max(weights, parts["weights"]) if how == "zero3" else weights,
        "trained": parts["trained"] // processes,
    }


def weight_bytes(config: ModelConfig, shape: Shape) -> int:
    """Bytes of a model's weights as they are loaded."""
    if config.quantize == "none":
        return shape.parameters * _bytes(config)
    quantised = shape.linear_weights
    return int(quantised * NF4_BITS / 8) + (shape.parameters - quantised) * _bytes(config)


def trained_parameters(config: Config, shape: Shape) -> int:
    """Parameters that the regime trains."""
    training = config.training
    if training.regime == "lora":
        linears = [sizes for layer in trained_layers(config, shape) for sizes in layer.linears.values()]
        return training.lora_r * sum(inputs + outputs for inputs, outputs in linears)
    if training.regime == "freeze":
        return sum(layer.parameters for layer in trained_layers(config, shape))
    return shape.language


def trained_layers(config: Config, shape: Shape) -> Sequence[Layer]:
    """Decoder layers that the regime trains, the last ones."""
    training = config.training
    wanted = {"lora": training.lora_layers, "freeze": training.last_layers, "full": None}[training.regime]
    return shape.layers if wanted is None else shape.layers[-wanted:]


def activation_bytes(config: Config, shape: Shape) -> int:
    """Bytes that autograd keeps from the forward pass for the backward pass."""
    training, large = config.training, config.model("large")
    c = _bytes(large)
    tokens = config.prompt.max_tokens + ANSWER_TOKENS
    layers = trained_layers(config, shape)
    whole = [_layer_activations(layer, shape.hidden, tokens, c, config) for layer in layers]
    if training.gradient_checkpointing:
        return training.batch_size * (len(layers) * tokens * c * shape.hidden + max(whole))
    return training.batch_size * sum(whole)


def _layer_activations(layer: Layer, hidden: int, tokens: int, c: int, config: Config) -> int:
    """Bytes that autograd keeps of one layer for one sample."""
    feed_forward = layer.linears["gate_proj"][1]
    a_token = 2 * 4 * hidden  # two norms' inputs in float32
    if layer.recurrent:
        beside = -(-tokens // CHUNK) * CHUNK * _recurrent_token(layer, c)
    else:
        beside = 6 * layer.heads * tokens**2 if config.model("large").attention == "eager" else 0
        attention = layer.linears["o_proj"][0]
        a_token += 4 * c * attention  # queries, keys and values as repeated, and the attention's output
        if layer.linears["q_proj"][1] > attention:
            # a gate: its value, what it multiplies, and normed queries and keys; trained norms keep their results too
            a_token += (4 if config.training.regime == "lora" else 6) * c * attention
    if config.training.regime == "lora":
        # the gate before and after its activation, and what it multiplies; of each adapter its input and a mask
        a_token += 3 * c * feed_forward + sum(inputs for inputs, _ in layer.linears.values()) * (c + 1)
    else:
        # besides, the input of each linear layer (shared by those that read the same) and the norms' results
        a_token += 4 * c * feed_forward + 4 * c * hidden
    return tokens * a_token + beside


def _recurrent_token(layer: Layer, c: int) -> int:
    """Bytes that autograd keeps of one token in a Gated DeltaNet, besides its norms and linear layers."""
    mixed, values = layer.linears["in_proj_qkv"][1], layer.linears["in_proj_z"][1]
    keys = values  # as repeated, if keys and values are of one size, as in all published shapes
    size = values // layer.heads
    whole = 2 * c * mixed  # the convolution's input and what it activates
    # queries, keys and values in float32, padded, normalised, decayed, and as the delta rule revises them
    whole += 4 * (8 * keys + 3 * values)
    whole += 4 * layer.heads * (5 * CHUNK + size * size // CHUNK)  # matrices within a chunk, and a state per chunk
    return whole + (4 * 4 + c) * values  # the gated norm


def check_fit(config: Config) -> dict[str, Memory]:
    """`check_memory` for each large model that a fit trains here, by name; all models of the fit are loaded meanwhile.

    Raises:
        MissingDependency, ConfigError: as `check_memory` raises them.
    """
    if config.large is not None and config.small is not None and config.student.train:
        _check_student(config.small, read_shape(config.small))
    here = {name: own for name, own in config.of_each_large.items() if own.model("large").server is None}
    loaded = {name: own.model("large") for name, own in here.items()}
    if config.small is not None and not config.small.same_as(config.large):
        loaded["small"] = config.small
    return {name: check_memory(own, name=name, loaded=loaded) for name, own in here.items()}


def check_memory(
    config: Config,
    *,
    trained: Literal["large", "small"] = "large",
    name: str | None = None,
    loaded: Mapping[str, ModelConfig] = MappingProxyType({}),
) -> Memory:
    """The estimate for a config's training, refused where the device has less.

    Args:
        trained: which of the two models is trained.
        name: what a fit calls the model that is trained; by default `trained`.
        loaded: name -> each model that is loaded during the training. Those on the same device count.

    Raises:
        MissingDependency: a model's config.json cannot be read.
        ConfigError: the device's memory is less than the estimate, the regime cannot train 4-bit weights, what
            `quantize` or `attention` ask for is not here, or the student has recurrent layers; the message says what
            to change.
    """
    model, name = config.model(trained), name or trained
    config = config.model_copy(update={"large": model})
    keys = {"large": name, "training": "training"}
    if name != trained:
        keys = {"large": f"beside.{name}.model", "training": f"beside.{name}.training"}
    if model.quantize != "none" and config.training.regime != "lora":
        raise ConfigError(
            f"{keys['training']}.regime: {config.training.regime} trains the model's own weights, and "
            f"{keys['large']}.quantize makes them 4-bit numbers. Write {keys['large']}.quantize: none, or "
            f"{keys['training']}.regime: lora."
        )
    check_loadable(model)
    shape = read_shape(model)
    if trained == "small":
        _check_student(model, shape)
    place = _place(model)
    others = {other: held for other, held in loaded.items() if other != name and _place(held) == place}
    beside = {other: weight_bytes(held, read_shape(held)) for other, held in others.items()}
    launch: dict[str, Any] = {"processes": world_size(), "how": method()}
    memory = training_memory(config, shape, beside, **launch)
    available = device_memory(model)
    if available is not None and memory.total > available:
        raise ConfigError(
            f"training {model.source} would take about {memory}, and the GPU has {available / GIB:.1f} GiB. "
            + _advice(config, keys, shape, beside, available, launch)
        )
    return memory


def _place(model: ModelConfig) -> str:
    """The device of a model; the first GPU has one name."""
    return str(device_of(model)).removesuffix(":0")


def _check_student(model: ModelConfig, shape: Shape) -> None:
    """Refuse a student whose layers would not keep to the mask of the tree that it is taught by."""
    if any(layer.recurrent for layer in shape.layers):
        raise ConfigError(
            f"{model.source} cannot be taught as a student: distillation trains all labels as a tree behind one "
            "prompt, and its recurrent layers would see every label. Write student.train=false, or take a small model "
            "whose layers all are attention, such as Qwen/Qwen3-VL-2B-Instruct."
        )


def device_memory(config: ModelConfig) -> int | None:
    """Bytes of the GPU that a config means; None for a CPU."""
    import torch

    device = device_of(config)
    return int(torch.cuda.get_device_properties(device).total_memory) if device.type == "cuda" else None


def _advice(
    config: Config,
    keys: Mapping[str, str],
    shape: Shape,
    beside: Mapping[str, int],
    available: int,
    launch: Mapping[str, Any],
) -> str:
    """The mildest changes that together make a training fit; `keys` are what settings call the parts of a config."""
    batch = config.training.batch_size * config.training.gradient_accumulation
    changes: list[tuple[str, dict[str, Any]]] = [
        ("training", {"gradient_checkpointing": True}),
        ("training", {"batch_size": 1, "gradient_accumulation": batch}),
        ("training", {"regime": "lora"}),
        ("large", {"quantize": "4bit"}),
    ]
    said: list[str] = []
    for part, values in changes:
        before = getattr(config, part)
        after = before.model_copy(update=values)
        if after == before:
            continue
        config = config.model_copy(update={part: after})
        said += [f"{keys[part]}.{key}={_yaml(value)}" for key, value in values.items()]
        memory = training_memory(config, shape, beside, **launch)
        if memory.total <= available:
            return f"About {memory.total / GIB:.1f} GiB with {', '.join(said)}."
    if beside:
        return f"Lower prompt.max_tokens, take smaller models, or put {_listed(beside)} on another device."
    return "Lower prompt.max_tokens, or take a smaller model or a larger GPU."


def _listed(names: Iterable[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)


def _yaml(value: Any) -> str:
    return str(value).lower()


def _bytes(config: ModelConfig) -> int:
    return 4 if config.dtype == "float32" else 2
