"""A bundle that was fitted on a file, and says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers.corrected_shop import QUICK, shop_file

from kdsl import Recognizer
from kdsl.corrections.feedback import Feedback


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file shop.jsonl and the bundle 'shop'; it is copied, never changed."""
    folder = tmp_path_factory.mktemp("shelf")
    Recognizer.fit(shop_file(folder), out=folder / "shop", overrides=QUICK).close()
    return folder


@pytest.fixture
def own_shelf(shelf: Path, tmp_path: Path) -> Path:
    """A copy of the shelf at another place."""
    return Path(shutil.copytree(shelf, tmp_path / "shelf"))


@pytest.fixture
def feedback(tmp_path: Path) -> Feedback:
    return Feedback(tmp_path / "feedback.sqlite")
