"""The shipped folder: loads through the Auto classes, keeps its size, and is what its manifest says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from transformers import AutoModelForImageTextToText, AutoProcessor, Qwen2VLForConditionalGeneration, Qwen2VLProcessor

from kdsl.cli.nano import nano
from kdsl.config import ModelConfig, PromptConfig
from kdsl.data.sample import Sample, Turn
from kdsl.errors import MissingDependency
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel, load_base
from kdsl.models.nano.manifest import SIZE_LIMIT, read_manifest
from kdsl.models.scorer import LabelScorer
from kdsl.models.weights import NANO_FOLDER
from kdsl.tasks import Task


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    return load_base(ModelConfig(device="cpu"))


def test_the_auto_classes_give_qwens_own() -> None:
    assert type(AutoModelForImageTextToText.from_pretrained(NANO_FOLDER)) is Qwen2VLForConditionalGeneration
    assert type(AutoProcessor.from_pretrained(NANO_FOLDER)) is Qwen2VLProcessor


def test_all_files_together_keep_the_limit() -> None:
    assert sum(file.stat().st_size for file in NANO_FOLDER.iterdir()) <= SIZE_LIMIT


def test_the_manifest_is_of_these_files(loaded: LoadedModel) -> None:
    manifest = read_manifest(NANO_FOLDER)
    assert set(manifest.files) == {file.name for file in NANO_FOLDER.iterdir()} - {"manifest.json"}
    assert manifest.parameters == loaded.n_parameters
    assert manifest.vocabulary == len(loaded.tokenizer)


def test_weights_are_finite_and_fit_the_vocabulary(loaded: LoadedModel) -> None:
    assert all(torch.isfinite(p).all() for p in loaded.model.parameters())
    assert len(loaded.tokenizer) <= loaded.model.config.text_config.vocab_size


@pytest.mark.parametrize(
    ("question", "label"),
    [
        ("这个灯能不能调亮度呀", "能否调光"),
        ("用几天就锈了 会生锈吗", "是否会生锈"),
        ("擦完脸又红又痒 是不是过敏", "反馈用后症状"),
        ("杯盖一直漏水 盖不紧", "反馈密封性不好"),
        ("洗衣机是上排水还是下排水", "排水方式"),
        ("这条裙子会掉色不", "是否易褪色"),
    ],
)
def test_it_knows_what_plain_questions_ask(loaded: LoadedModel, intent: Task, question: str, label: str) -> None:
    evidence = Evidence(Sample("a", "intent", (), (Turn("user", question, question),)), ())
    scores = LabelScorer(loaded, intent, PromptConfig()).score([evidence])
    best = scores[0].argsort()[::-1][:3]
    assert label in [intent.names[i] for i in best]


def test_info_prints_shape_and_history() -> None:
    result = CliRunner().invoke(nano, ["info"], env={"COLUMNS": "160"}, catch_exceptions=False)
    manifest = read_manifest(NANO_FOLDER)
    assert result.exit_code == 0
    assert f"{manifest.parameters:,}" in result.output
    assert f"{manifest.steps:,} steps" in result.output


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(NANO_FOLDER, folder)
    (folder / "chat_template.jinja").write_text("x", "utf-8")
    with pytest.raises(MissingDependency, match=r"chat_template\.jinja is missing or is not the file"):
        read_manifest(folder)
    (folder / "manifest.json").write_text("{}", "utf-8")
    with pytest.raises(MissingDependency, match="cannot be read"):
        read_manifest(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(MissingDependency, match="kdsl nano pretrain"):
        read_manifest(folder)
