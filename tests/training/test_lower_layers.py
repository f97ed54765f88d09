"""Layers that a training leaves as they are: run once per sample, with the same result as in every epoch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.tiny_models import KINDS, TEXT_KINDS
from helpers.trainings import losses_of, train, weights_of, with_training
from safetensors.torch import load_file

from kdsl.config import Config
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import adapter_on, tensor_shapes
from kdsl.models.base import LoadedModel
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task
from kdsl.training import lora
from kdsl.training.examples import Collator, make_examples
from kdsl.training.lower_layers import LowerLayers

Load = Callable[..., LoadedModel]
UPPER: list[tuple[str, dict[str, Any]]] = [
    ("qwen3", {"lora_layers": 1}),
    ("gemma3_text", {"lora_layers": 1, "gradient_checkpointing": True}),
    ("gemma3_text", {"regime": "freeze", "last_layers": 1}),
]


def _passes(loaded: LoadedModel, layer: int) -> list[torch.Size]:
    """The shapes of what a decoder layer's attention will be given, a pass each."""
    seen: list[torch.Size] = []
    loaded.decoder.layers[layer].self_attn.q_proj.register_forward_hook(
        lambda _, inputs, __: seen.append(inputs[0].shape)
    )
    return seen


@pytest.mark.parametrize(("kind", "regime"), UPPER)
def test_a_frozen_layer_reads_each_sample_once_and_the_training_is_the_same(
    kind: str,
    regime: dict[str, Any],
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = with_training(small_config, **regime)
    loaded = load_tiny(kind)
    before = weights_of(loaded)
    passes = _passes(loaded, 0)
    once = train(loaded, dialogues, [care], config, tmp_path / "once")
    assert sum(shape[0] for shape in passes) == len(dialogues)
    after = weights_of(loaded)
    assert all(torch.equal(before[name], after[name]) for name in before)
    with monkeypatch.context() as patch:
        patch.setattr(lora, "frozen_layers", lambda *_: 0)  # as if all layers were to be run
        each = train(load_tiny(kind), dialogues, [care], config, tmp_path / "each")
    assert losses_of(once) == pytest.approx(losses_of(each), abs=1e-5)
    file = "delta.safetensors" if "regime" in regime else "adapter_model.safetensors"
    kept, run = load_file(once / file), load_file(each / file)
    assert kept.keys() == run.keys()
    for name, tensor in run.items():
        torch.testing.assert_close(kept[name], tensor, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", [TEXT_KINDS[1], KINDS[0]])
def test_an_adapter_of_the_upper_layers_learns_and_holds_no_others(
    kind: str, load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    loaded = load_tiny(kind)
    config = with_training(small_config, lora_layers=1, epochs=6)
    adapter = train(loaded, dialogues, [care], config, tmp_path / "upper")
    assert all(".layers.1." in key for key in tensor_shapes(adapter))
    scorer = LabelScorer(loaded, care, config.prompt)
    gold = [care.index(evidence.sample.label or "") for evidence in dialogues]
    bare = scorer.score(dialogues)[range(9), gold].mean()
    with adapter_on(loaded, adapter):
        assert scorer.score(dialogues)[range(9), gold].mean() > bare


def test_more_layers_than_there_are_is_all_of_them(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    loaded = load_tiny(TEXT_KINDS[0])
    whole = train(loaded, dialogues, [care], with_training(small_config), tmp_path / "all")
    more = train(loaded, dialogues, [care], with_training(small_config, lora_layers=99), tmp_path / "more")
    assert losses_of(more) == pytest.approx(losses_of(whole), abs=1e-6)


def test_what_memory_has_no_room_for_is_computed_anew(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config
) -> None:
    loaded = load_tiny(TEXT_KINDS[1])
    examples = make_examples(loaded, dialogues, {care.name: care}, small_config.prompt)
    numbers = [{"number": i} for i in (3, 0, 4)]
    ample = Collator(loaded, examples, LowerLayers(loaded, 1))(numbers)
    width = ample["lower_states"].shape[-1] * 4
    lower = LowerLayers(loaded, 1, limit=len(examples[0]) * width)  # sample 3 is longer
    assert len(examples[3]) > len(examples[0])
    collate = Collator(loaded, examples, lower)
    passes = _passes(loaded, 0)
    for _ in range(2):
        torch.testing.assert_close(collate(numbers)["lower_states"], ample["lower_states"], rtol=0, atol=1e-6)
    assert [shape[0] for shape in passes] == [3, 2]
