from __future__ import annotations

from pathlib import Path

import pytest
from helpers.own_shop import INTENT, SCENE, noise

from kdsl.tasks import Task


@pytest.fixture
def tasks() -> list[Task]:
    return [SCENE, INTENT]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with a.png to f.png."""
    root = tmp_path / "images"
    root.mkdir()
    for seed, name in enumerate("abcdef"):
        noise(seed).save(root / f"{name}.png")
    return root
