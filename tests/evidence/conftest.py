"""Fixtures of the evidence room: a folder of drawn pictures, and samples of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.drawn_pictures import draw_photo, draw_popup, draw_screen

from kdsl.data.sample import Sample


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with screen.png, popup.png and photo.jpg."""
    folder = tmp_path_factory.mktemp("pictures")
    draw_screen().save(folder / "screen.png")
    draw_popup().save(folder / "popup.png")
    draw_photo().save(folder / "photo.jpg", quality=90)
    return folder


@pytest.fixture(scope="session")
def sample_of() -> Callable[..., Sample]:
    """A scene sample with the given pictures."""

    def make(id: str, *images: str) -> Sample:
        return Sample(id=id, task="scene", images=images, turns=())

    return make
