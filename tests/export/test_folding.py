"""A folded folder scores labels as adapter and base did, is plain transformers', and a bad one is not kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from helpers.tiny_models import KINDS
from peft import PeftModel
from transformers import AutoModelForImageTextToText, AutoProcessor

from kdsl.cli.main import cli
from kdsl.config import ModelConfig, PromptConfig
from kdsl.errors import BundleError, InputError
from kdsl.evidence.types import Evidence
from kdsl.export import folding
from kdsl.export.card import model_card
from kdsl.export.folding import built_in_probes, fold_adapter
from kdsl.models.adapters import SHIFT, load_adapter, stamp_adapter, touches_vision
from kdsl.models.base import load_base
from kdsl.models.delta import base_parameters, write_delta
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task

Base = Callable[..., ModelConfig]
Make = Callable[..., Path]


@pytest.mark.parametrize("kind", KINDS)
def test_the_folder_scores_as_the_adapter_and_is_plain_transformers(
    kind: str, base_of: Base, make_adapter: Make, care: Task, prompt: PromptConfig, tmp_path: Path
) -> None:
    base = base_of(kind)
    adapter = make_adapter(base)
    done = fold_adapter(adapter, base, care, prompt, tmp_path / "out", card="# card\n")
    assert done.moved < 1e-3
    assert done.prompts == 4
    names = {path.name for path in done.folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md", "manifest.json"} <= names
    assert not any("adapter" in name for name in names)
    assert not list(tmp_path.glob(".out*"))

    ids = AutoProcessor.from_pretrained(done.folder).tokenizer("会不会生锈", return_tensors="pt")
    plain = AutoModelForImageTextToText.from_pretrained(base.source)
    folded = AutoModelForImageTextToText.from_pretrained(done.folder)
    with torch.no_grad():
        before = plain(**ids).logits
        with_peft = PeftModel.from_pretrained(plain, str(adapter))(**ids).logits  # plain peft reads the adapter
        torch.testing.assert_close(folded(**ids).logits, with_peft, rtol=1e-3, atol=1e-3)
    assert (with_peft - before).abs().max() > 0.01


def test_plain_peft_gives_the_scores_that_kdsl_gives(
    base_of: Base, make_adapter: Make, care: Task, prompt: PromptConfig, dialogues: list[Evidence]
) -> None:
    base = base_of()
    adapter = make_adapter(base)
    ours, theirs = load_base(base), load_base(base)
    load_adapter(ours, adapter, "care")
    with ours.using("care"):
        expected = LabelScorer(ours, care, prompt).score(dialogues)
    PeftModel.from_pretrained(theirs.model, str(adapter))
    assert LabelScorer(theirs, care, prompt).score(dialogues) == pytest.approx(expected, abs=1e-5)


def test_a_delta_is_folded_with_its_shift_beside_it(
    base_of: Base, care: Task, prompt: PromptConfig, dialogues: list[Evidence], tmp_path: Path
) -> None:
    base, delta = base_of(), tmp_path / "delta"
    loaded = load_base(base)
    layer = {name: p * 1.5 for name, p in base_parameters(loaded.model).items() if ".layers.1." in name}
    write_delta(delta, layer, torch.float32)
    stamp_adapter(delta, loaded)
    shifts = {care.name: dict.fromkeys(care.names, 0.0) | {care.names[0]: 3.0}}
    (delta / SHIFT).write_text(json.dumps(shifts), "utf-8")
    done = fold_adapter(delta, base, care, prompt, tmp_path / "out", dialogues, model_card(delta, [care], "model"))
    assert done.moved < 1e-4
    assert not done.touches_vision
    assert json.loads((done.folder / SHIFT).read_text("utf-8")) == shifts
    card = (done.folder / "README.md").read_text("utf-8")
    assert "fine-tuned weights folded in" in card
    assert "label_shift.json" in card
    own, folded = (LabelScorer(model, care, prompt).score(dialogues) for model in (loaded, load_base(_at(done.folder))))
    assert abs(own - folded).max() > 0.01
    assert "delta.safetensors" in model_card(delta, [care], "adapter")


def _at(folder: Path) -> ModelConfig:
    return ModelConfig(source=str(folder), device="cpu")


def test_a_folder_that_scores_otherwise_is_removed(
    base_of: Base, make_adapter: Make, care: Task, prompt: PromptConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(folding.TOLERANCE, "float32", -1.0)
    with pytest.raises(BundleError, match="scores labels otherwise"):
        fold_adapter(make_adapter(base_of()), base_of(), care, prompt, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_given_samples_are_compared_and_a_finished_export_is_kept(
    base_of: Base, make_adapter: Make, care: Task, prompt: PromptConfig, dialogues: list[Evidence], tmp_path: Path
) -> None:
    base, adapter = base_of(), make_adapter(base_of())
    first = fold_adapter(adapter, base, care, prompt, tmp_path / "out", dialogues)
    assert first.prompts == len(dialogues)
    made = (tmp_path / "out" / "model.safetensors").stat().st_mtime_ns
    assert fold_adapter(adapter, base, care, prompt, tmp_path / "out", dialogues) == first
    assert (tmp_path / "out" / "model.safetensors").stat().st_mtime_ns == made
    with pytest.raises(BundleError, match=r"other inputs.*adapter_sha256"):
        fold_adapter(make_adapter(base, 1), base, care, prompt, tmp_path / "out")
    manifest = (tmp_path / "out" / "manifest.json").read_text("utf-8")
    assert str(Path(base.source).parent) not in manifest  # it may be published


def test_an_adapter_of_the_vision_tower_is_told(base_of: Base, make_adapter: Make) -> None:
    assert not touches_vision(make_adapter(base_of()))
    assert touches_vision(make_adapter(base_of(), targets=("q_proj", "qkv")))


def test_probes_suit_any_task(scene: Task, tmp_path: Path) -> None:
    probes = built_in_probes(scene, tmp_path)
    assert [len(probe.pictures) for probe in probes] == [0, 1, 0, 1]
    assert all(picture.path.is_file() for probe in probes for picture in probe.pictures)


def test_the_command_exports_an_adapter_alone(base_of: Base, make_adapter: Make, care: Task, tmp_path: Path) -> None:
    base, adapter = base_of(), make_adapter(base_of())
    (tmp_path / "care.yaml").write_text(care.model_dump_json(), "utf-8")
    settings = {
        "tasks": ["care.yaml"],
        "large": {"source": "elsewhere", "device": "cpu"},
        "prompt": {"max_tokens": 192, "max_pixels": 6272},
    }
    (tmp_path / "tiny.yaml").write_text(json.dumps(settings), "utf-8")
    given = ["adapters", "export", "--adapter", str(adapter), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(cli, given)
    assert isinstance(result.exception, InputError)
    assert "--adapter and --config together" in str(result.exception)
    own = ["--config", str(tmp_path / "tiny.yaml"), "--set", f"large.source={base.source}"]
    result = CliRunner().invoke(cli, [*given, *own])
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == [str(tmp_path / "out")]
    assert "9 samples of care" in (tmp_path / "out" / "README.md").read_text("utf-8")
