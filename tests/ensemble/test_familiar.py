"""What is about nothing that a task's samples are about is told without a sample of it, by text and by looks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.materials import NO_MODELS, material_of, setup_of
from PIL import Image, ImageDraw

from kdsl.data.sample import Sample
from kdsl.encoders.texts import UniversalSentenceEncoder
from kdsl.ensemble import familiar
from kdsl.ensemble.familiar import Familiarity
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.ensemble.scope_pictures import PictureScope, picture_scope_file
from kdsl.ensemble.strangers import TEXTS, strange_texts
from kdsl.evidence.facts import picture_facts
from kdsl.evidence.pixels import measure
from kdsl.evidence.types import Evidence, OcrLine, Picture
from kdsl.experts.visual import VisualExpert
from kdsl.tasks import Label, Task

DIM = 64
SCREEN = Task(
    name="screen",
    input="picture",
    prompt="What is shown?",
    labels=tuple(Label(name=name, zh=name, en=name) for name in ("list", "card", "form")),
)


def around(axis: int, n: int, seed: int, spread: float = 0.1) -> np.ndarray:
    """Vectors [n, DIM] of length 1 about one axis."""
    rng = np.random.default_rng(seed)
    vectors = np.eye(DIM)[axis] + spread * rng.normal(size=(n, DIM))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_what_lies_far_from_all_samples_is_not_familiar() -> None:
    model = Familiarity.fit(around(0, 40, seed=1), np.arange(40), around(3, 40, seed=2), 0.2)
    assert model.probability(around(0, 20, seed=3)).min() > 0.5
    assert model.probability(around(5, 20, seed=4)).max() < 0.5  # stranger in another direction than the strangers
    assert np.isnan(model.probability(np.zeros((1, DIM), np.float32))[0])


def test_near_duplicates_are_not_compared_with_each_other() -> None:
    once, strange = around(0, 30, seed=1, spread=0.2), around(3, 40, seed=2)
    alone = Familiarity.fit(once, np.arange(30), strange, 0.2)
    twice, pairs = np.repeat(once, 5, axis=0), np.repeat(np.arange(30), 5)
    asked = around(1, 30, seed=5, spread=0.2)
    kept_apart = Familiarity.fit(twice, pairs, strange, 0.2).probability(asked)
    compared = Familiarity.fit(twice, np.arange(150), strange, 0.2).probability(asked)
    assert compared.mean() < kept_apart.mean()
    assert alone.probability(once).min() > 0.1


def test_a_weight_is_never_negative() -> None:
    model = Familiarity.fit(around(0, 30, seed=1, spread=2.0), np.arange(30), around(0, 30, seed=2, spread=0.01), 0.2)
    assert model.weight == pytest.approx(0, abs=1e-6)


def test_what_describes_labels_is_known_too() -> None:
    described = around(4, 5, seed=6)
    plain = Familiarity.fit(around(0, 40, seed=1), np.arange(40), around(3, 40, seed=2), 0.2)
    model = Familiarity.fit(around(0, 40, seed=1), np.arange(40), around(3, 40, seed=2), 0.2, described)
    asked = around(4, 10, seed=7)
    assert plain.probability(asked).max() < 0.5 < model.probability(asked).min()


def test_a_model_reads_back() -> None:
    model = Familiarity.fit(around(0, 40, seed=1), np.arange(40), around(3, 40, seed=2), 0.2)
    asked = around(0, 5, seed=3)
    assert Familiarity.of(model.tensors()).probability(asked) == pytest.approx(model.probability(asked), abs=1e-2)


def test_strange_texts_are_of_both_scripts_and_the_same_each_time() -> None:
    texts = strange_texts(17)
    assert len(texts) == TEXTS
    assert texts == strange_texts(17) != strange_texts(18)
    chinese = [any("\u4e00" <= c <= "\u9fff" for c in text) for text in texts]
    assert sum(chinese) == TEXTS / 2
    assert all(text and text.strip() == text for text in texts)


def test_words_come_with_their_shares() -> None:
    words, shares = UniversalSentenceEncoder().words(r"\p{Han}+")
    assert shares.sum() == pytest.approx(1)
    assert words[int(shares.argmax())] == "的"
    assert "不" in words.tolist()
    assert not any("\u2581" in word or "a" in word for word in words)


def screen(folder: Path, name: str, label: str | None, seed: int) -> Evidence:
    """A drawn screen of grey boxes whose arrangement is the label's."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (300, 500), "white")
    pen = ImageDraw.Draw(image)
    left, top = rng.integers(5, 30, 2).tolist()
    for n in range(4):
        box = {
            "list": (left, top + 90 * n, 290, top + 90 * n + 70),
            "card": (left + 40, top + 60, 250, 400),
            "form": (left, top + 110 * n, 150, top + 110 * n + 30),
        }[label or "list"]
        pen.rectangle(box, fill=(220, 225 - n, 230), outline=(120, 120, 130))
    return shown(folder, name, image, label)


def shown(folder: Path, name: str, image: Image.Image, label: str | None = None, *lines: str) -> Evidence:
    image.save(folder / name)
    facts = picture_facts(measure(image, image.size), ())
    found = tuple(OcrLine(line, 0.9, (0.0, 0.0, 90.0, 20.0)) for line in lines)
    picture = Picture(name, folder / name, *image.size, found, facts)
    return Evidence(Sample(name, "screen", (name,), (), label), (picture,))


@pytest.fixture(scope="module")
def screens(tmp_path_factory: pytest.TempPathFactory) -> list[Evidence]:
    folder = tmp_path_factory.mktemp("screens")
    return [screen(folder, f"{name}{i}.png", name, i) for i in range(9) for name in ("list", "card", "form")]


def nothing(folder: Path) -> list[Evidence]:
    """Pictures that are none of the strangers of a fit."""
    rng = np.random.default_rng(5)
    noise = Image.fromarray(rng.integers(0, 256, (300, 300, 3), dtype=np.uint8))
    rings = np.hypot(*np.meshgrid(np.arange(-150, 150), np.arange(-150, 150)))
    waves = Image.fromarray((128 + 127 * np.sin(rings / 7)).astype(np.uint8)).convert("RGB")
    return [shown(folder, "noise.png", noise), shown(folder, "waves.png", waves)]


def test_noise_is_no_screen(screens: list[Evidence], tmp_path: Path) -> None:
    expert = VisualExpert(SCREEN, setup_of(SCREEN)).fit(material_of(SCREEN, screens))
    model = PictureScope.fit(expert, screens)
    assert model is not None
    assert model.judge([screen(tmp_path, "new.png", "card", 99)]).in_scope[0] > 0.5
    assert model.judge(nothing(tmp_path)).in_scope.max() < 0.5
    assert np.isnan(model.judge([Evidence(Sample("x", "screen", (), ()), ())]).in_scope[0])
    place = tmp_path / "pictures.safetensors"
    model.save(place)
    asked = [screens[0], *nothing(tmp_path)]
    assert PictureScope.load(place, expert).judge(asked).about == pytest.approx(model.judge(asked).about, abs=1e-2)


def test_what_looks_like_a_marked_picture_fits_no_label(screens: list[Evidence], tmp_path: Path) -> None:
    known = [evidence for evidence in screens if evidence.sample.label != "form"]
    more = [screen(tmp_path, f"more-{name}{i}.png", name, 50 + i) for i in range(6) for name in ("list", "card")]
    marked = [evidence for evidence in screens if evidence.sample.label == "form"][:2]
    task = SCREEN.model_copy(update={"labels": tuple(one for one in SCREEN.labels if one.name != "form")})
    expert = VisualExpert(task, setup_of(task)).fit(material_of(task, [*known, *more]))
    like = [screen(tmp_path, f"form{i}.png", "form", 70 + i) for i in range(3)]
    others = [screen(tmp_path, f"card{i}.png", "card", 80 + i) for i in range(3)]
    before, model = (PictureScope.fit(expert, [*known, *more], told) for told in ((), marked))
    assert before is not None
    assert model is not None
    assert before.judge(like).fits.min() == 1
    assert model.judge(like).in_scope.max() < 0.5 < model.judge(others).in_scope.min()
    model.save(tmp_path / "pictures.safetensors")
    read = PictureScope.load(tmp_path / "pictures.safetensors", expert)
    assert read.judge(like).fits == pytest.approx(model.judge(like).fits, abs=1e-2)


def test_too_few_pictures_make_no_model(screens: list[Evidence]) -> None:
    expert = VisualExpert(SCREEN, setup_of(SCREEN)).fit(material_of(SCREEN, screens))
    copies = [replace(e, sample=replace(e.sample, id=f"{e.sample.id}-{n}")) for n in range(9) for e in screens[:9]]
    assert PictureScope.fit(expert, screens[:12]) is None
    assert PictureScope.fit(expert, copies) is None


def test_of_many_pictures_some_of_each_label_are_used(screens: list[Evidence], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(familiar, "MOST", 21)
    expert = VisualExpert(SCREEN, setup_of(SCREEN)).fit(material_of(SCREEN, screens))
    model = PictureScope.fit(expert, screens)
    assert model is not None
    assert len(model.familiar.known) == 21


def test_a_bundle_is_not_sure_of_noise(screens: list[Evidence], tmp_path: Path) -> None:
    bundle = fit_bundle(screens, [SCREEN], NO_MODELS, tmp_path / "bundle")
    assert picture_scope_file(bundle.folder, SCREEN).is_file()
    predictor = Predictor(bundle)
    noise = nothing(tmp_path)
    known, *strange = predictor.predict([screen(tmp_path, "new.png", "card", 99), *noise])
    (by_looks,) = predictor.tasks["screen"].scopes
    about = by_looks.judge(noise).about
    predictor.close()
    assert known.label == "card"
    assert not known.out_of_scope
    for one, left in zip(strange, about, strict=True):
        assert one.out_of_scope
        assert one.abstained
        assert one.in_scope is not None
        # the labels' shares are all 1/3 here; no expert can raise a label further than by what is left of its vote
        assert one.probability <= 1 / 3 + 2 * left * 2 / 3 + 1e-3
        assert sum(one.distribution.values()) == pytest.approx(1, abs=1e-4)
