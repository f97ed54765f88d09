"""Fixtures for every room: the shipped tasks, and evidence made without pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a test that reaches for a hub must fail at once, not hang
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two test workers share two cores

from kdsl.data.sample import Sample, Turn
from kdsl.evidence.types import Evidence, OcrLine, Picture, PictureFacts
from kdsl.resources import resource
from kdsl.tasks import Task, load_task

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
