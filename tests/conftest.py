"""Fixtures for every room: the shipped tasks, a toy one with labelled samples, and tiny models.

Rules and readers are tested without torch: what needs it is imported within its fixture.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a test that reaches for a hub must fail at once, not hang
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two test workers share two cores

from helpers.own_shop import noise

from kdsl.config import Config, ModelConfig, PromptConfig, TrainingConfig
from kdsl.data.sample import Sample, Turn
from kdsl.evidence.types import Evidence, OcrLine, Picture, PictureFacts
from kdsl.resources import resource
from kdsl.tasks import Label, Task, load_task

if TYPE_CHECKING:
    from kdsl.models.base import LoadedModel

pytest_plugins = ["helpers.tiny_shop", "helpers.light_shop"]
settings.register_profile("kdsl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kdsl")  # no test depends on the machine's speed

FACTS = PictureFacts(
    kind="screenshot",
    has_text=True,
    overlay=False,
    dark=False,
    aspect=2.2,
    text_cover=0.2,
    brightness=0.8,
    saturation=0.1,
    edges=0.1,
    colours=(0.0,) * 8 + (0.1, 0.1, 0.8),
    cells=(0.8, 0.0, 0.0, 0.1) * 24,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no worker is alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    gc.freeze()  # each training collects garbage, which takes a second where it looks at what all modules have made


def pytest_sessionfinish() -> None:
    gc.unfreeze()


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["KDSL_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def scene() -> Task:
    return load_task(resource("configs/tasks/mire-scene.yaml"))


@pytest.fixture(scope="session")
def intent() -> Task:
    return load_task(resource("configs/tasks/mire-intent.yaml"))


@pytest.fixture(scope="session")
def make_evidence() -> Callable[..., Evidence]:
    """Evidence of one picture with the given OCR lines, or of a dialogue of ('user'|'agent', text) turns."""

    def make(
        id: str = "a",
        label: str | None = None,
        lines: tuple[str, ...] = (),
        turns: tuple[tuple[str, str], ...] = (),
        task: str = "",
    ) -> Evidence:
        picture = Picture(
            name=f"{id}.jpg",
            path=Path(f"{id}.jpg"),
            width=100,
            height=200,
            lines=tuple(
                OcrLine(text, 0.9, (5.0, 200.0 * i / max(len(lines), 1), 95.0, 200.0 * i / len(lines) + 10))
                for i, text in enumerate(lines)
            ),
            facts=FACTS,
        )
        sample = Sample(
            id=id,
            task=task or ("intent" if turns else "scene"),
            images=(picture.name,),
            turns=tuple(Turn(role, text, text) for role, text in turns),  # type: ignore[arg-type]
            label=label,
        )
        return Evidence(sample, (picture,))

    return make


@pytest.fixture(scope="session")
def base_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ModelConfig]:
    """The config of a tiny base of a kind and seed, written once."""
    from helpers.tiny_models import tiny_folder

    made: dict[tuple[str, int], ModelConfig] = {}

    def get(kind: str = "qwen2_vl", seed: int = 0) -> ModelConfig:
        if (kind, seed) not in made:
            folder = tiny_folder(tmp_path_factory.mktemp(kind), kind, seed)
            made[kind, seed] = ModelConfig(source=str(folder), device="cpu")
        return made[kind, seed]

    return get


@pytest.fixture(scope="session")
def load_tiny(base_of: Callable[..., ModelConfig]) -> Callable[..., LoadedModel]:
    """A freshly loaded tiny base of a kind."""
    from kdsl.models.base import load_base

    return lambda kind="qwen2_vl": load_base(base_of(kind))


@pytest.fixture(scope="session")
def care() -> Task:
    """A toy task of three labels, one of them Latin."""
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
    from helpers.tiny_models import tiny_evidence

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


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with a.png to f.png."""
    root = tmp_path / "images"
    root.mkdir()
    for seed, name in enumerate("abcdef"):
        noise(seed).save(root / f"{name}.png")
    return root


@pytest.fixture(scope="session")
def small_config() -> Config:
    """Six optimizer steps of three samples; dropout on, so that a resumed run must restore its random state."""
    return Config(
        training=TrainingConfig(
            epochs=2, batch_size=3, lora_r=4, lora_alpha=8, lora_dropout=0.1, learning_rate=1e-2, save_every=2
        ),
        prompt=PromptConfig(max_tokens=160, max_pixels=6272),
    )


@pytest.fixture(scope="session")
def folders(base_of: Callable[..., ModelConfig]) -> dict[str, Path]:
    from helpers.tiny_models import KINDS

    return {kind: Path(base_of(kind).source) for kind in KINDS}
