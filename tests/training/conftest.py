"""A toy task, labelled dialogues with real pictures, and tiny models to train on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import KINDS, tiny_evidence, tiny_folder

from kdsl.config import Config, ModelConfig, PromptConfig, TrainingConfig
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel, load_base
from kdsl.tasks import Label, Task


@pytest.fixture(scope="session")
def load_tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., LoadedModel]:
    """A freshly loaded tiny model of a kind; its folder is written once."""
    folders: dict[str, Path] = {}

    def load(kind: str = "qwen2_vl") -> LoadedModel:
        assert kind in KINDS
        if kind not in folders:
            folders[kind] = tiny_folder(tmp_path_factory.mktemp(kind), kind)
        return load_base(ModelConfig(source=str(folders[kind]), device="cpu"))

    return load


@pytest.fixture(scope="session")
def care() -> Task:
    names = ("是否会生锈", "退款", "is it new")
    return Task(
        name="care",
        input="dialogue",
        prompt="你要的标签是什么？",
        labels=tuple(Label(name=name, zh=name, en=name) for name in names),
    )


@pytest.fixture(scope="session")
def dialogues(tmp_path_factory: pytest.TempPathFactory, care: Task) -> list[Evidence]:
    """Nine labelled dialogues of unlike lengths, with no, one or two pictures."""
    folder = tmp_path_factory.mktemp("pictures")
    asked = ("壶底生锈吗", "钱退到哪里", "brand new?")
    return [
        tiny_evidence(
            folder,
            f"s{i}",
            sizes=((60, 120), (90, 60))[: i % 3],
            lines=("加入购物车",) if i % 3 == 1 else (),
            turns=(("user", asked[i % 3] + "，请问" * (i // 3)), ("agent", "亲，稍等")),
            label=care.names[i % 3],
            task=care.name,
        )
        for i in range(9)
    ]


@pytest.fixture(scope="session")
def small_config() -> Config:
    """Six optimizer steps of three samples; dropout on, so that a resumed run must restore its random state."""
    return Config(
        training=TrainingConfig(
            epochs=2, batch_size=3, lora_r=4, lora_alpha=8, lora_dropout=0.1, learning_rate=1e-2, save_every=2
        ),
        prompt=PromptConfig(max_tokens=160, max_pixels=6272),
    )
