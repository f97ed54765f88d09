"""`encoders.text: auto` takes an encoder that tells the labels better, and no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers.materials import setup_of

from kdsl.config import Config, EncodersConfig
from kdsl.config_file import load_config
from kdsl.encoders import registry
from kdsl.encoders.base import TextEncoder
from kdsl.encoders.minilm import MiniLM
from kdsl.encoders.texts import MultilingualE5
from kdsl.ensemble.choose_encoders import choose_encoders
from kdsl.ensemble.fit import fit_bundle
from kdsl.errors import ConfigError, MissingDependency
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Setup
from kdsl.tasks import Label, Task

TASK = Task(
    name="ask",
    input="dialogue",
    prompt="What is asked?",
    labels=(Label(name="even"), Label(name="odd")),
)


class Blind(TextEncoder):
    """Sees nothing in any text."""

    name, version, dim = "blind", "1", 2

    def _vectors(self, items: Sequence[str]) -> np.ndarray:
        return np.tile(np.float32([1, 0]), (len(items), 1))


class Counting(TextEncoder):
    """Knows whether the length of a text is even, which no word says."""

    name, version, dim = "counting", "1", 2

    def _vectors(self, items: Sequence[str]) -> np.ndarray:
        return np.array([[len(item) % 2, 1 - len(item) % 2] for item in items], np.float32)


class Absent(Blind):
    """Not installed."""

    name = "absent"

    def __init__(self) -> None:
        raise MissingDependency("package 'absent' is not installed.")


class Foreign(Blind):
    """Knows no language that is written with Latin letters."""

    name = "foreign"

    def __init__(self) -> None:
        pytest.fail("is opened, though it knows none of the texts")

    @staticmethod
    def reads(text: str) -> bool:
        return not text.isascii()


@pytest.fixture
def group(make_evidence: Callable[..., Evidence]) -> list[Evidence]:
    texts = [("qwertyuiop"[i % 10] * 2 + " ") * 3 + "x" * (1 + i % 2) for i in range(60)]
    return [
        make_evidence(f"e{i}", ("even", "odd")[len(text) % 2], turns=(("user", text),), task="ask")
        for i, text in enumerate(texts)
    ]


def _chosen(group: list[Evidence], text: object = "auto") -> tuple[str, ...]:
    config = Config(large=None, small=None, encoders=EncodersConfig(text=text))  # type: ignore[arg-type]
    setup: Setup = setup_of(TASK, config=config)
    return choose_encoders(setup, {"ask": group}, {"ask": np.arange(len(group)) // 2 % 4}).config.encoders.text


@pytest.mark.parametrize(
    ("kinds", "chosen"),
    [
        ((Blind, Counting), ("blind", "counting")),
        ((Counting, Blind), ("counting",)),
        ((Blind, Absent, Counting), ("blind", "counting")),
    ],
)
def test_an_encoder_is_taken_where_held_out_samples_gain(
    kinds: tuple[type[TextEncoder], ...],
    chosen: tuple[str, ...],
    group: list[Evidence],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "TEXT_ENCODERS", kinds)
    assert _chosen(group) == chosen


@pytest.mark.parametrize("n", [0, 48])
def test_where_samples_are_few_all_are_taken_that_know_the_language(
    n: int, group: list[Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "TEXT_ENCODERS", (Counting, Foreign, Absent, Blind))
    assert _chosen(group[:n]) == ("counting", "blind")


def test_an_english_encoder_is_not_asked_about_chinese() -> None:
    assert MiniLM.reads("is it rust-proof?")
    assert MiniLM.reads("I don’t know… is it £5?")
    assert not MiniLM.reads("会生锈吗")
    assert not MiniLM.reads("passt die Größe?")
    assert MultilingualE5.reads("会生锈吗")


def test_encoders_that_are_named_stay(group: list[Evidence]) -> None:
    assert _chosen(group, ("blind", "counting")) == ("blind", "counting")


def test_a_bundle_keeps_what_was_chosen(group: list[Evidence], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(registry, "TEXT_ENCODERS", (Blind, Counting))
    config = Config(large=None, small=None, encoders=EncodersConfig(text="auto"))  # type: ignore[arg-type]
    bundle = fit_bundle(group, [TASK], config, tmp_path / "bundle")
    assert bundle.config.encoders.text == ("blind", "counting")
    fit_bundle(group, [TASK], config, tmp_path / "bundle")  # finished: the same fit


def test_auto_stands_alone() -> None:
    with pytest.raises(ConfigError, match="stands alone"):
        load_config("configs/nano.yaml", ["encoders.text=[auto,multilingual-e5-small]"])
