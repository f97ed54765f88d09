"""The estimate of memory against what tiny models really hold, and the refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from helpers.tiny_models import KINDS, RECURRENT, tiny_folder
from helpers.trainings import with_training
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from kdsl.cli.main import cli
from kdsl.config import Config, FurtherModel, ModelConfig, ModelServer, TrainingConfig
from kdsl.errors import ConfigError, MissingDependency
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel
from kdsl.models.shape import read_shape, shape_of
from kdsl.tasks import Task
from kdsl.training import memory
from kdsl.training.examples import make_examples
from kdsl.training.regimes import trainee
from kdsl.training.trainer import LabelTrainer, training_arguments, undo_patches

Load = Callable[..., LoadedModel]
REGIMES: list[dict[str, Any]] = [
    {"regime": "lora"},
    {"regime": "lora", "lora_layers": 1},
    {"regime": "freeze", "last_layers": 1},
    {"regime": "full"},
]


@pytest.fixture(scope="module")
def seven_b() -> Any:
    """Qwen2-VL-7B-Instruct on the meta device, by the sizes of its published config.json."""
    text = {
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152064,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
    }
    vision = {"depth": 32, "embed_dim": 1280, "num_heads": 16, "hidden_size": 3584, "mlp_ratio": 4}
    with torch.device("meta"):
        config = Qwen2VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=False)
        return shape_of(Qwen2VLForConditionalGeneration(config))


@pytest.mark.parametrize("kind", [*KINDS, RECURRENT])
@pytest.mark.parametrize("regime", REGIMES, ids=lambda r: r["regime"])
def test_parameters_and_bytes_are_those_of_the_model(
    kind: str, regime: dict[str, Any], load_tiny: Load, small_config: Config
) -> None:
    loaded = load_tiny(kind)
    shape = read_shape(ModelConfig(source=str(Path(loaded.name))))
    assert shape.parameters == loaded.n_parameters
    config = with_training(small_config, **regime)
    assert memory.weight_bytes(config.large, shape) == sum(p.nbytes for p in loaded.model.parameters())
    with trainee(loaded, config.training, 1) as learner:
        trained = sum(p.numel() for p in learner.model.parameters() if p.requires_grad)
    assert memory.trained_parameters(config, shape) == trained


@pytest.mark.parametrize("kind", ["qwen2_vl", RECURRENT])
@pytest.mark.parametrize("regime", REGIMES, ids=lambda r: r["regime"])
def test_activations_are_what_autograd_keeps(
    regime: dict[str, Any],
    kind: str,
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
) -> None:
    loaded = load_tiny(kind)
    config = with_training(small_config, **regime, batch_size=2)
    examples = make_examples(loaded, dialogues[-2:], {"care": care}, config.prompt)
    kept: dict[int, int] = {}
    with trainee(loaded, config.training, 1) as learner:
        arguments = training_arguments(tmp_path, loaded, config.training, 1, 2)
        trainer = LabelTrainer(learner, loaded, examples, args=arguments)
        batch = trainer.data_collator([{"number": 0}, {"number": 1}])
        weights = {p.untyped_storage().data_ptr() for p in learner.model.parameters()}

        def note(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        learner.model.train()
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            loss = trainer.compute_loss(learner.model, batch)
        loss.backward()
        undo_patches(loaded.model)
    shape = read_shape(ModelConfig(source=loaded.name))
    tokens = batch["input_ids"].shape[1] - memory.ANSWER_TOKENS
    prompt = config.prompt.model_copy(update={"max_tokens": tokens})
    estimate = memory.activation_bytes(config.model_copy(update={"prompt": prompt}), shape)
    measured = sum(kept.values()) - 2 * batch["labels"].shape[1] * shape.vocabulary * 4 * 2  # logits and log-softmax
    if regime["regime"] == "lora":  # on a CPU a dropout's mask holds floats, on a GPU bytes
        linears = [sizes for layer in memory.trained_layers(config, shape) for sizes in layer.linears.values()]
        measured -= 3 * batch["input_ids"].numel() * sum(inputs for inputs, _ in linears)
    assert 0.75 < measured / estimate < 1.25


def test_seven_billion_by_its_published_shape(seven_b: Any) -> None:
    assert seven_b.parameters == 8_291_375_616
    bf16 = ModelConfig(dtype="bfloat16")
    assert memory.weight_bytes(bf16, seven_b) == 2 * seven_b.parameters
    four_bit = memory.weight_bytes(ModelConfig(dtype="bfloat16", quantize="4bit"), seven_b)
    assert 0.35 < four_bit / (2 * seven_b.parameters) < 0.45  # tower, embeddings and output stay whole


def test_what_does_not_fit_is_refused_with_what_would(seven_b: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(large=ModelConfig(source="a/b", dtype="bfloat16"))
    config = with_training(config, batch_size=4)
    monkeypatch.setattr(memory, "read_shape", lambda _: seven_b)
    monkeypatch.setattr(memory, "device_memory", lambda _: 80 * memory.GIB)
    assert memory.check_memory(config).total < 80 * memory.GIB
    long = with_training(config.model_copy(update={"prompt": config.prompt.model_copy(update={"max_tokens": 4096})}))
    with pytest.raises(ConfigError, match=r"GPU has 80\.0 GiB.*with training\.gradient_checkpointing=true\."):
        memory.check_memory(long)
    monkeypatch.setattr(memory, "device_memory", lambda _: 16 * memory.GIB)
    with pytest.raises(ConfigError, match=r"regime=lora, large\.quantize=4bit"):
        memory.check_memory(with_training(config, regime="full", gradient_checkpointing=True))
    monkeypatch.setattr(memory, "device_memory", lambda _: 4 * memory.GIB)
    with pytest.raises(ConfigError, match=r"smaller model"):
        memory.check_memory(long)


def test_models_that_a_fit_loads_side_by_side_are_judged_together(
    seven_b: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    large, other, small = (ModelConfig(source=f"a/{name}", dtype="bfloat16") for name in ("large", "other", "small"))
    both = with_training(Config(large=large, small=small, beside={"other": FurtherModel(model=other)}))
    monkeypatch.setattr(memory, "read_shape", lambda _: seven_b)
    weights = memory.weight_bytes(large, seven_b)
    alone = memory.check_memory(both).total
    found = memory.check_fit(both)
    assert found["large"].total == alone + 2 * weights
    assert {"other model", "small model"} <= set(found["large"].parts)
    assert {"large model", "small model"} <= set(found["other"].parts)
    same = both.model_copy(update={"small": large.model_copy(update={"tasks": ("scene",)})})
    assert memory.check_fit(same)["large"].total == alone + weights  # one object for both
    elsewhere = both.model_copy(update={"small": small.model_copy(update={"device": "meta"})})
    assert set(memory.check_fit(elsewhere)["large"].parts).isdisjoint({"small model"})
    monkeypatch.setattr(memory, "device_memory", lambda _: alone + weights)
    assert memory.check_memory(both).total == alone
    with pytest.raises(ConfigError, match=r"training a/large would take about .*other model.*small model"):
        memory.check_fit(both)
    tight = with_training(both, gradient_checkpointing=True)
    further = both.beside["other"].model_copy(update={"training": tight.training})
    monkeypatch.setattr(memory, "device_memory", lambda _: weights)
    with pytest.raises(ConfigError, match="take smaller models, or put 'other' and 'small' on another device"):
        memory.check_fit(tight.model_copy(update={"beside": {"other": further}}))


def test_advice_for_a_model_beside_names_its_own_settings(seven_b: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    further = FurtherModel(
        model=ModelConfig(source="a/other", dtype="bfloat16"), training=TrainingConfig(batch_size=4, regime="full")
    )
    server = ModelServer(url="http://127.0.0.1:9/v1", model="base", parameters=1)
    config = Config(large=ModelConfig(source="a/large", server=server), small=None, beside={"other": further})
    monkeypatch.setattr(memory, "read_shape", lambda _: seven_b)
    assert list(memory.check_fit(config)) == ["other"]  # what is behind a server takes nothing here
    assert "large model" not in memory.check_fit(config)["other"].parts
    monkeypatch.setattr(memory, "device_memory", lambda _: 40 * memory.GIB)
    with pytest.raises(ConfigError, match=r"with beside\.other\.training\.gradient_checkpointing=true"):
        memory.check_fit(config)


def test_doctor_says_that_a_model_behind_a_server_takes_no_memory_here(tmp_path: Path) -> None:
    server = {"url": "http://127.0.0.1:9/v1", "model": "base", "parameters": 1000}
    config = {"large": {"source": "no/one", "server": server}, "training": {"search": None}}
    (tmp_path / "served.yaml").write_text(json.dumps(config))
    found = CliRunner().invoke(cli, ["doctor", "--config", str(tmp_path / "served.yaml")])
    assert found.exit_code == 0, found.output
    assert "no/one is behind the server at http://127.0.0.1:9/v1; it takes no memory here." in found.output
    assert "by estimate" not in found.output


def test_doctor_estimates_a_config_and_says_when_it_cannot(tmp_path: Path) -> None:
    tiny_folder(tmp_path / "model")
    (tmp_path / "tiny.yaml").write_text(json.dumps({"large": {"source": str(tmp_path / "model"), "device": "cpu"}}))
    found = CliRunner().invoke(cli, ["doctor", "--config", str(tmp_path / "tiny.yaml")])
    assert found.exit_code == 0, found.output
    assert "by estimate" in found.output
    assert "activations" in found.output
    absent = CliRunner().invoke(
        cli, ["doctor", "--config", str(tmp_path / "tiny.yaml"), "--set", "large.source=no/one"]
    )
    assert isinstance(absent.exception, MissingDependency)
    assert "config.json of 'no/one'" in str(absent.exception)


def test_doctor_refuses_what_could_not_be_trained(tmp_path: Path) -> None:
    tiny_folder(tmp_path / "model")
    (tmp_path / "tiny.yaml").write_text(json.dumps({"large": {"source": str(tmp_path / "model"), "device": "cpu"}}))
    command = ["doctor", "--config", str(tmp_path / "tiny.yaml")]
    for settings, fault in (
        (("large.quantize=4bit", "training.regime=full"), "quantize: none"),
        (("large.attention=flash_attention_2",), "flash"),
    ):
        options = [part for setting in settings for part in ("--set", setting)]
        refused = CliRunner().invoke(cli, [*command, *options])
        assert isinstance(refused.exception, ConfigError)
        assert fault in str(refused.exception)
