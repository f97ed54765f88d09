"""Training regimes: a new LoRA adapter, the last decoder layers, or the whole language model.

`freeze` trains the last layers alone (a setting of the MIRE challenge's contestants), `full` is the fine-tuning
that LoRA is compared with. Both work in float32 on the tensors they train (mixed precision: Micikevicius et al.,
ICLR 2018, section 3.1), leave a delta (`kdsl.models.delta`), and give the base its own tensors back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from kdsl.config import TrainingConfig
from kdsl.errors import ConfigError
from kdsl.models.adapters import WEIGHTS
from kdsl.models.base import LoadedModel, decoder_of
from kdsl.models.delta import base_parameters, read_delta, write_delta
from kdsl.models.four_bit import import_peft
from kdsl.processes import is_main, method, shards_weights

ADAPTER = "default"
"""PEFT's name for the adapter that is saved at the top of a folder."""
Weights = Mapping[str, torch.Tensor]
"""What is trained, by the names it has in the model."""


@dataclass(frozen=True)
class Trainee:
    """A model of which some weights may be trained, and how these are written and read."""

    model: Any
    save: Callable[[Path, Weights], None]
    """Writes the artefact, what `load_adapter` takes, of `trained_weights`."""
    keep: Callable[[Path, Weights], None]
    """Writes a checkpoint of `trained_weights`, exact to the bit."""
    restore: Callable[[Path], None] | None
    """Reads a checkpoint; None leaves that to the trainer, which knows PEFT's format."""


@contextmanager
def trainee(loaded: LoadedModel, config: TrainingConfig, seed: int, start: Path | None = None) -> Iterator[Trainee]:
    """The base made ready for a regime, bare of adapters; afterwards it is as it was, adapters on it included.

    Only what FSDP or ZeRO-3 has dealt out to several processes stays so: no base is left then.

    Args:
        start: the folder of a trained artefact of this regime, whose weights are trained further.

    Raises:
        ConfigError: the regime trains weights that are quantised.
    """
    from transformers import set_seed

    with loaded.using(None):
        set_seed(seed)
        aside = _tower_aside(loaded.model.model) if loaded.sees else nullcontext()
        with (_lora if config.regime == "lora" else _weights)(loaded, config, start) as made, aside:
            if config.gradient_checkpointing:  # not by the trainer, which leaves hooks on the model
                reentrant = method() == "zero3"  # which cannot check what is computed again (trl issue 2514)
                loaded.model.activation_checkpointing_enable({"use_reentrant": reentrant})
                if reentrant:
                    loaded.model.enable_input_require_grads()
            try:
                yield made
            finally:
                loaded.model.activation_checkpointing_disable()
                loaded.model.disable_input_require_grads()  # trl enables them under checkpointing
                loaded.model.eval().requires_grad_(False)


@contextmanager
def _tower_aside(model: Any) -> Iterator[None]:
    """Let the vision tower be no part of the model while it is trained, though it can still be called.

    It is frozen and runs between the steps, for the pictures of this process alone: FSDP and ZeRO-3 must not deal it
    out, and DDP need not send it round.
    """
    modules = dict(model._modules)
    model.__dict__["visual"] = model._modules.pop("visual")
    try:
        yield
    finally:
        del model.__dict__["visual"]
        model._modules.clear()
        model._modules.update(modules)  # in their order


def trained_weights(model: Any) -> dict[str, torch.Tensor]:
    """What is trained in a model, whole, in the main process; others get nothing.

    Every process must call it: FSDP and ZeRO-3 have each hold a part.
    """
    gather: Callable[[Any], Any] = nullcontext
    if method() == "zero3":
        import deepspeed

        gather = deepspeed.zero.GatheredParameters
    weights = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        with gather(parameter):
            whole = parameter.detach()
            if shards_weights():
                whole = (whole.full_tensor() if hasattr(whole, "full_tensor") else whole).to("cpu", copy=True)
        if is_main():
            weights[name] = whole
    return weights


def trained_parameters(model: Any, config: TrainingConfig) -> dict[str, torch.nn.Parameter]:
    """The base's parameters that `freeze` or `full` trains, by name.

    Raises:
        ConfigError: they are quantised.
    """
    parameters = base_parameters(model)
    name, decoder = decoder_of(model)
    if config.regime == "freeze":
        n_layers = len(decoder.layers)
        first = max(0, n_layers - config.last_layers)
        wanted = tuple(f"{name}.layers.{i}." for i in range(first, n_layers))
    else:
        wanted = (f"{name}.", "lm_head.")
    found = {name: parameter for name, parameter in parameters.items() if name.startswith(wanted)}
    if not all(parameter.is_floating_point() for parameter in found.values()):
        raise ConfigError(
            f"training.regime: {config.regime} trains the model's own weights, and large.quantize has made them "
            "4-bit numbers. Write large.quantize: none, or training.regime: lora."
        )
    return found


def target_modules(model: Any) -> list[str]:
    """Names of the language model's linear layers: what LoRA adapts. The vision tower never is."""
    names = set()
    for path, module in decoder_of(model)[1].named_modules():
        if isinstance(module, torch.nn.Linear):
            # where adapters are loaded already, the layer is `q_proj.base_layer` beside `q_proj.lora_A.<name>`
            path = path.removesuffix(".base_layer")
            if ".lora_" not in path:
                names.add(path.rpartition(".")[2])
    return sorted(names)


def frozen_layers(loaded: LoadedModel, config: TrainingConfig) -> int:
    """Number of decoder layers, counted from the first, that a training leaves as they are, with all below them."""
    trained = {"lora": config.lora_layers, "freeze": config.last_layers, "full": None}[config.regime]
    return 0 if trained is None else max(0, len(loaded.decoder.layers) - trained)


def save_adapter(model: Any, folder: Path, weights: Weights) -> None:
    """Write the trained adapter's `weights` in PEFT's format, and nothing else, into `folder`."""
    # 'auto' would ask the hub for the base's config, to see whether its vocabulary grew: it never does here
    model.save_pretrained(str(folder), selected_adapters=[ADAPTER], save_embedding_layers=False, state_dict=weights)
    (folder / "README.md").unlink(missing_ok=True)  # a card of blanks to fill in


def _adapted_layers(loaded: LoadedModel, config: TrainingConfig) -> list[int] | None:
    """The numbers of the decoder layers that LoRA adapts; None for all."""
    if config.lora_layers is None:
        return None
    return list(range(frozen_layers(loaded, config), len(loaded.decoder.layers)))


@contextmanager
def _lora(loaded: LoadedModel, config: TrainingConfig, start: Path | None) -> Iterator[Trainee]:
    """A PeftModel round the base with one trainable adapter, fresh or as `start` has it."""
    import_peft()
    from peft import LoraConfig, PeftModel, set_peft_model_state_dict

    lora = LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=target_modules(loaded.model),
        layers_to_transform=_adapted_layers(loaded, config),
        layers_pattern=None if config.lora_layers is None else "layers",
        # Qwen2.5-VL's tower has layers of the same names
        exclude_modules=r".*\bvisual\b.*" if loaded.sees else None,
        task_type="CAUSAL_LM",
        base_model_name_or_path=loaded.name,
    )
    if loaded.peft is None:
        model = PeftModel(loaded.model, lora, adapter_name=ADAPTER)
    else:
        model = loaded.peft
        model.add_adapter(ADAPTER, lora)
        model.base_model.enable_adapter_layers()
        model.set_adapter(ADAPTER)
    if start is not None:
        set_peft_model_state_dict(model, load_file(start / WEIGHTS), ADAPTER)

    def save(folder: Path, weights: Weights) -> None:
        save_adapter(model, folder, weights)

    try:
        yield Trainee(model, save, save, None)
    finally:
        if loaded.peft is None and not shards_weights():
            model.unload()
        elif loaded.peft is not None:
            others = [name for name in model.peft_config if name != ADAPTER]
            model.set_adapter(others[0])  # peft warns where the active adapter is deleted
            model.delete_adapter(ADAPTER)
            model.base_model.disable_adapter_layers()


@contextmanager
def _weights(loaded: LoadedModel, config: TrainingConfig, start: Path | None) -> Iterator[Trainee]:
    """The base itself with some of its own weights trainable, as float32 copies, its own or those of `start`."""
    parameters = trained_parameters(loaded.model, config)
    # a GPU has no room to spare
    before = {} if shards_weights() else {name: parameter.data.cpu() for name, parameter in parameters.items()}
    for parameter in parameters.values():
        parameter.data = parameter.data.to(torch.float32, copy=True)
        parameter.requires_grad_(True)

    def restore(folder: Path) -> None:
        for parameter, tensor in read_delta(folder, parameters):
            parameter.data.copy_(tensor)

    if start is not None:
        restore(start)
    try:
        yield Trainee(
            loaded.model,
            save=lambda folder, weights: write_delta(folder, weights, loaded.dtype),
            keep=lambda folder, weights: write_delta(folder, weights, torch.float32),
            restore=restore,
        )
    finally:
        for name, tensor in before.items():
            parameters[name].data = tensor.to(loaded.device)
            parameters[name].grad = None
