"""A small real bundle without a large model, and servers of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.running import Running, running

from kdsl import Recognizer, Sample
from kdsl.config_file import load_config
from kdsl.serving.settings import ServerSettings

ASKED = {
    "rust": ("会不会生锈", "will it rust", "用久了生锈吗", "does it rust in water"),
    "refund": ("钱退了吗", "money back", "给我退钱", "pay me back"),
    "stock": ("还补货吗", "is it in stock", "什么时候补货", "when is it back"),
}


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of one task of dialogues; it is copied, never served."""
    out = tmp_path_factory.mktemp("fitted") / "shop"
    samples = [
        Sample.dialogue([f"{text} {number}"], label=label, id=f"{label}-{number}-{text}")
        for label, texts in ASKED.items()
        for text in texts
        for number in range(3)
    ]
    config = load_config("configs/nano.yaml", ["large=null", "small=null", "rules.simulations=40"])
    Recognizer.fit(samples, out=out, config=config).close()
    return out


@pytest.fixture(scope="session")
def light(fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that tests share, who do not change it."""
    return copied(fitted, tmp_path_factory.mktemp("served") / "shop")


def copied(bundle: Path, place: Path) -> Path:
    """A copy of a bundle."""
    shutil.copytree(bundle, place)
    return place


@pytest.fixture(scope="session")
def server(light: Path) -> Iterator[Running]:
    """A server that tests share, who leave no trace in it."""
    with running(ServerSettings(light)) as started:
        yield started
