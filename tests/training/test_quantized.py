"""QLoRA: a base of 4 bits is loaded, measured, trained on and scored; bitsandbytes computes NF4 on CPUs too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.tiny_models import KINDS
from helpers.trainings import losses_of, train, weights_of, with_training

from kdsl.config import Config, ModelConfig
from kdsl.errors import BundleError, ConfigError
from kdsl.evidence.types import Evidence
from kdsl.export.folding import TOLERANCE, fold_adapter
from kdsl.models.adapters import load_adapter
from kdsl.models.base import LoadedModel, load_base
from kdsl.models.scorer import LabelScorer
from kdsl.models.shape import read_shape
from kdsl.tasks import Task
from kdsl.training.memory import weight_bytes

bitsandbytes = pytest.importorskip("bitsandbytes")
TESTS = Path(__file__).parents[1]


@pytest.fixture(params=[False, True], ids=["plain-cpu", "avx512bf16"])
def any_cpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """bitsandbytes takes this machine's CPU for one without, then with AVX-512 BF16, for which it repacks weights."""
    monkeypatch.setattr(bitsandbytes.nn.modules, "has_avx512bf16", lambda: request.param)


def _four_bit(base_of: Callable[..., ModelConfig], kind: str = "qwen2_vl") -> ModelConfig:
    return base_of(kind).model_copy(update={"quantize": "4bit", "dtype": "bfloat16"})


@pytest.mark.parametrize("kind", KINDS)
def test_the_language_models_layers_alone_are_of_four_bits(kind: str, base_of: Callable[..., ModelConfig]) -> None:
    config = _four_bit(base_of, kind)
    loaded = load_base(config)
    linears = {n: m for n, m in loaded.model.named_modules() if isinstance(m, torch.nn.Linear)}
    quantised = {name for name, module in linears.items() if isinstance(module, bitsandbytes.nn.Linear4bit)}
    assert quantised == {name for name in linears if ".language_model.layers." in name}
    parameters = {p.data_ptr(): p for p in loaded.model.parameters()}.values()  # tied ones once
    states = [p.quant_state for p in parameters if hasattr(p, "quant_state")]
    stored = sum(p.nbytes for p in parameters) + sum(s.absmax.nbytes + s.state2.absmax.nbytes for s in states)
    assert weight_bytes(config, read_shape(config)) == pytest.approx(stored, rel=0.01)
    assert loaded.fingerprint == load_base(base_of(kind)).fingerprint + "-4bit"


@pytest.mark.usefixtures("any_cpu")
def test_an_adapter_learns_on_four_bits_and_belongs_to_them(
    base_of: Callable[..., ModelConfig],
    load_tiny: Callable[..., LoadedModel],
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
) -> None:
    base = load_base(_four_bit(base_of))
    scorer = LabelScorer(base, care, small_config.prompt)
    bare = scorer.score(dialogues)
    config = with_training(small_config, epochs=6, learning_rate=1e-2)
    folder = train(base, dialogues, [care], config, tmp_path / "a", seed=1)
    losses = losses_of(folder)
    assert np.mean(losses[-3:]) < 0.8 * np.mean(losses[:3])
    np.testing.assert_array_equal(scorer.score(dialogues), bare)  # the base is as it was
    load_adapter(base, folder, "care")
    with base.using("care"):
        taught = scorer.score(dialogues)
    gold = np.arange(len(dialogues)), [care.index(e.sample.label or "") for e in dialogues]
    assert taught[gold].mean() > bare[gold].mean() + 1
    with pytest.raises(BundleError, match="4bit"):
        load_adapter(load_tiny(), folder, "care")


@pytest.mark.usefixtures("any_cpu")
def test_an_adapter_of_four_bits_is_folded_into_what_they_stand_for(
    base_of: Callable[..., ModelConfig], dialogues: list[Evidence], care: Task, small_config: Config, tmp_path: Path
) -> None:
    base = _four_bit(base_of)
    config = with_training(small_config, epochs=2, learning_rate=1e-2)
    adapter = train(load_base(base), dialogues, [care], config, tmp_path / "a", seed=1)
    done = fold_adapter(adapter, base, care, config.prompt, tmp_path / "out", dialogues)
    assert done.moved < TOLERANCE["bfloat16"] / 5
    assert "quantization_config" not in json.loads((done.folder / "config.json").read_text("utf-8"))
    whole = load_base(base.model_copy(update={"source": str(done.folder), "quantize": "none"}))
    assert not any(isinstance(module, bitsandbytes.nn.Linear4bit) for module in whole.model.modules())


def test_scoring_leaves_weights_as_they_were_quantised_on_every_cpu(
    base_of: Callable[..., ModelConfig],
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = []
    for has_avx512bf16 in (False, True):
        monkeypatch.setattr(bitsandbytes.nn.modules, "has_avx512bf16", lambda has=has_avx512bf16: has)
        base = load_base(_four_bit(base_of))
        before = weights_of(base)
        scores.append(LabelScorer(base, care, small_config.prompt).score(dialogues))
        after = weights_of(base)
        assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    np.testing.assert_array_equal(scores[0], scores[1])


def test_bitsandbytes_is_imported_for_weights_of_four_bits_alone_and_says_nothing(
    base_of: Callable[..., ModelConfig], tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(_FLOAT_THEN_FOUR_BITS, "utf-8")
    source = base_of().source
    done = subprocess.run(
        [sys.executable, str(program), source, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "gemm_4bit_forward" not in done.stderr


_FLOAT_THEN_FOUR_BITS = """
import logging, sys
from pathlib import Path
from helpers.tiny_models import tiny_evidence
from helpers.trainings import train
from kdsl.config import Config, ModelConfig, PromptConfig, TrainingConfig
from kdsl.models.adapters import load_adapter
from kdsl.models.base import load_base
from kdsl.tasks import Label, Task

labels = tuple(Label(name=name, zh=name, en=name) for name in "ab")
task = Task(name="t", input="dialogue", prompt="?", labels=labels)
folder = Path(sys.argv[2])
said = [tiny_evidence(folder, name, turns=(("user", name),), label=name, task="t") for name in "ab"]
config = Config(training=TrainingConfig(epochs=1), prompt=PromptConfig(max_tokens=160))
whole = ModelConfig(source=sys.argv[1], device="cpu")
for model in (whole, whole.model_copy(update={"quantize": "4bit", "dtype": "bfloat16"})):
    assert "bitsandbytes" not in sys.modules
    loaded = load_base(model)
    load_adapter(loaded, train(loaded, said, [task], config, folder / model.quantize), "a")
layers = {type(module).__module__ for module in loaded.model.modules() if hasattr(module, "lora_A")}
assert layers == {"peft.tuners.lora.bnb"}, layers
logging.getLogger("bitsandbytes.backends.cpu.ops").warning("Failed to load CPU gemm_4bit_forward")
"""


@pytest.mark.parametrize("regime", ["freeze", "full"])
def test_weights_of_four_bits_are_not_trained(
    regime: str,
    base_of: Callable[..., ModelConfig],
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    tmp_path: Path,
) -> None:
    config = with_training(small_config, regime=regime)
    with pytest.raises(ConfigError, match="quantize: none"):
        train(load_base(_four_bit(base_of)), dialogues, [care], config, tmp_path / "a", seed=1)
