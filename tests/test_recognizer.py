"""The Python front door, on a bundle of tiny models of the real classes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import kdsl
from kdsl import KdslError, Prediction, Recognizer, Sample
from kdsl.config import Config
from kdsl.ensemble.bundle import Bundle
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence


@pytest.fixture(scope="module")
def recognizer(bundle: Bundle) -> Iterator[Recognizer]:
    with Recognizer.load(bundle.folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("given") / "截图 1.png"
    Image.linear_gradient("L").convert("RGB").resize((56, 84)).save(path)
    return path


def test_a_dialogue_is_recognised_and_explained(recognizer: Recognizer, picture: Path) -> None:
    found = recognizer.predict(Sample.dialogue(["<image>", ("agent", "您好"), "会不会生锈"], pictures=[picture]))
    assert isinstance(found, Prediction)
    assert (found.id, found.task) == ("1", "ask")
    assert found.label in recognizer.tasks["ask"].names
    assert found.probability == max(found.distribution.values())
    assert found.label in found.explain()
    assert "lexical" in found.explain()


def test_a_path_bytes_and_a_pil_image_say_the_same(recognizer: Recognizer, picture: Path) -> None:
    with Image.open(picture) as opened:
        given = [str(picture), picture, picture.read_bytes(), opened.copy()]
    found = recognizer.predict([Sample.picture(one, id=str(i)) for i, one in enumerate(given)])
    assert [prediction.id for prediction in found] == ["0", "1", "2", "3"]
    for prediction in found[1:]:
        assert prediction.label == found[0].label
        assert prediction.probability == pytest.approx(found[0].probability, abs=1e-4)


def test_columns_of_predict_proba_are_the_tasks_labels(recognizer: Recognizer) -> None:
    samples = [Sample.dialogue(["会不会生锈"]), Sample.dialogue(["什么时候补货"])]
    proba = recognizer.predict_proba(samples)
    assert proba.shape == (2, len(recognizer.tasks["ask"].labels))
    assert proba.sum(axis=1) == pytest.approx(1, abs=1e-4)
    best = [recognizer.tasks["ask"].names[column] for column in proba.argmax(axis=1)]
    assert best == [prediction.label for prediction in recognizer.predict(samples)]


def test_predict_proba_takes_one_task(recognizer: Recognizer, picture: Path) -> None:
    with pytest.raises(InputError, match="samples of one task; found ask, screen"):
        recognizer.predict_proba([Sample.dialogue(["会不会生锈"]), Sample.picture(picture)])


def test_eight_threads_get_what_one_gets(recognizer: Recognizer, picture: Path) -> None:
    texts = ["会不会生锈", "还补货吗", "有气泡", "钱退了吗"] * 4
    samples = [Sample.dialogue([text], pictures=[picture] if i % 3 == 0 else ()) for i, text in enumerate(texts)]
    alone = [recognizer.predict(sample) for sample in samples]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(recognizer.predict, samples))
    assert [p.label for p in together] == [p.label for p in alone]
    assert [p.probability for p in together] == pytest.approx([p.probability for p in alone], abs=1e-4)


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        (Sample.picture("nowhere.png", id="x"), "sample x: picture 'nowhere.png' does not exist"),
        (Sample.dialogue([], id="x"), "sample x: has no turn and no picture; give one turn at least"),
        (Sample.picture(b"no picture"), "not a picture that can be read"),
        (Sample.dialogue(["<image> 这个"]), "the turns hold 1 <image>, and 0 picture"),
        (Sample.dialogue(["在吗"], task="asks"), "no task is called 'asks'.* Did you mean ask"),
        (Sample.dialogue(["在吗"], task="screen"), "is a dialogue, and task 'screen' takes a picture"),
    ],
)
def test_a_sample_that_cannot_be_used_is_named(recognizer: Recognizer, sample: Sample, says: str) -> None:
    with pytest.raises(KdslError, match=says):
        recognizer.predict(sample)


def test_what_is_no_sample_is_told_how_to_make_one(recognizer: Recognizer) -> None:
    for given in ("会不会生锈", ["会不会生锈"]):
        with pytest.raises(InputError, match=r"sample 1 is of type str; make samples by `Sample\.dialogue"):
            recognizer.predict(given)  # type: ignore[arg-type]


class Table:
    """What a DataFrame is to `for`: the names of its columns."""

    columns = ("text", "label")

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


@pytest.mark.parametrize("given", [None, b"text", {"text": "会不会生锈"}, Table(), 5])
def test_what_is_no_list_of_samples_is_called_what_it_is(recognizer: Recognizer, tmp_path: Path, given: Any) -> None:
    kind = type(given).__name__
    with pytest.raises(InputError, match=rf"`samples` is of type {kind}; expected a sample"):
        recognizer.predict(given)
    with pytest.raises(InputError, match=rf"`samples` is of type {kind}; expected a sample"):
        recognizer.predict_proba(given)
    if given is not None:  # without data a fit makes a bundle of descriptions
        with pytest.raises(InputError, match=rf"`data` is of type {kind}; expected a file") as raised:
            Recognizer.fit(given, out=tmp_path / "b")
        assert ("write it by `to_csv` first" in str(raised.value)) == isinstance(given, Table)
    assert not (tmp_path / "b").exists()


def test_one_sample_is_one_row_of_probabilities(recognizer: Recognizer) -> None:
    sample = Sample.dialogue(["会不会生锈"])
    assert recognizer.predict_proba(sample).tolist() == recognizer.predict_proba([sample]).tolist()


def test_a_recogniser_says_what_it_holds(recognizer: Recognizer) -> None:
    shown = repr(recognizer)
    assert str(recognizer.bundle.folder) in shown
    for task in recognizer.tasks.values():
        assert f"{task.name} ({task.input}, {len(task.labels)} labels)" in shown
        assert task.name in repr(recognizer.rules)


@pytest.mark.parametrize("turns", [None, 5, [None], [5], [{"role": "user", "content": "在吗"}], [("user", None)]])
def test_turns_are_texts_or_pairs(turns: Any) -> None:
    with pytest.raises(TypeError, match=r"turns must be a list of texts|turn 1 is of type"):
        Sample.dialogue(turns)


@pytest.mark.parametrize("pictures", [None, 5, [None], [5]])
def test_pictures_are_paths_bytes_or_images(pictures: Any) -> None:
    with pytest.raises(TypeError, match=r"pictures must be a list|a picture is a path, bytes or a PIL"):
        Sample.dialogue(["看"], pictures)


def test_a_fit_takes_files_and_samples_alone(tmp_path: Path) -> None:
    for given in ([("会生锈吗", "rust"), ("补货吗", "stock")], [{"text": "会生锈吗", "label": "rust"}], [None]):
        with pytest.raises(InputError, match=rf"type {type(given[0]).__name__}; .* samples made by `Sample\.dialogue"):
            Recognizer.fit(given, out=tmp_path / "b")  # type: ignore[arg-type]
    assert not (tmp_path / "b").exists()


def test_one_picture_is_no_list() -> None:
    with pytest.raises(TypeError, match="a list of pictures"):
        Sample.dialogue(["这个"], pictures="pot.jpg")


def test_one_text_is_no_list_of_turns() -> None:
    with pytest.raises(TypeError, match="a list of texts"):
        Sample.dialogue("会不会生锈")


def test_a_turn_is_said_by_the_user_or_an_agent() -> None:
    with pytest.raises(ValueError, match="'user' or 'agent', not by 'customer'"):
        Sample.dialogue([("customer", "会不会生锈")])  # type: ignore[list-item]


def test_a_fit_of_samples_in_memory_needs_no_model(shop: Path, config: Config, samples: list[Evidence]) -> None:
    """`large: null`: the other experts predict, and no call is made."""
    light = config.model_copy(update={"large": None, "small": None})
    asks = [e.sample for e in samples if e.sample.task == "ask"]
    given = [
        Sample.dialogue([(turn.role, turn.text.replace("<image>", "")) for turn in one.turns], label=one.label)
        for one in asks
    ]
    with Recognizer.fit(given, out=shop / "light", config=light) as fitted:
        found = fitted.predict(Sample.dialogue(["这个会不会生锈"]))
    assert found.label == "生锈"
    assert (found.spend.calls, found.spend.output_tokens, found.spend.parameters) == (0, 0, 0)
    assert "model calls: none" in found.explain()
    assert "large" not in found.trace.experts


def test_nothing_is_printed_and_no_torch_loaded_without_a_model(shop: Path) -> None:
    """In a process of its own; after the light bundle was fitted."""
    code = (
        "import sys, kdsl; assert 'torch' not in sys.modules; assert 'numpy' not in sys.modules\n"
        f"r = kdsl.Recognizer.load({str(shop / 'light')!r})\n"
        "p = r.predict(kdsl.Sample.dialogue(['会不会生锈']))\n"
        "assert p.label and 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Recogniser'"):
        _ = kdsl.Recogniser


def test_rules_are_at_hand(recognizer: Recognizer) -> None:
    assert set(recognizer.rules) == {"ask", "screen"}
    assert recognizer.rules["ask"].labels == recognizer.tasks["ask"].names


def test_probabilities_are_those_of_the_file(recognizer: Recognizer, samples: list[Evidence], shop: Path) -> None:
    """What a command writes, Python can write."""
    from helpers.sample_files import input_file, ocr_file

    data, known, out = shop / "few.json", shop / "few.ocr.jsonl", shop / "few.out.jsonl"
    input_file(data, samples[:3], [])
    ocr_file(known, samples[:3])
    summary = recognizer.predict_file(data, out, images=shop, ocr=known)
    assert (summary.predicted, summary.kept, summary.failed) == (3, 0, 0)
    assert recognizer.predict_file(data, out, images=shop, ocr=known).kept == 3
    lines = [Prediction.from_json(json.loads(line)) for line in out.read_text("utf-8").splitlines()]
    assert all(line.content for line in lines)
    assert np.isclose([line.probability for line in lines], [max(p.distribution.values()) for p in lines]).all()


def test_a_table_with_labels_of_its_own_is_fitted_without_a_task_file(tmp_path: Path) -> None:
    texts = {"delay": ("where is my parcel", "still not here", "late again"), "refund": ("money back", "pay me back")}
    lines = [f"{text} {n},{label}" for label, said in texts.items() for text in said for n in range(3)]
    data = tmp_path / "shop.csv"
    data.write_text("\n".join(["text,label", *lines]), "utf-8")
    with Recognizer.fit(data, out=tmp_path / "out", overrides=["large=null", "small=null"]) as fitted:
        assert fitted.tasks["shop"].names == ("delay", "refund")
        assert fitted.predict(Sample.dialogue(["give my money back"])).label == "refund"


def test_a_folder_of_photos_is_fitted_and_predicted(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for label, colour in (("red", "#d01010"), ("blue", "#1010d0")):
        (photos / label).mkdir(parents=True)
        for number in range(6):
            Image.new("RGB", (60 + number, 80), colour).save(photos / label / f"{number}.png")
    with Recognizer.fit(photos, out=tmp_path / "out", overrides=["large=null", "small=null"]) as fitted:
        summary = fitted.predict_file(photos / "red", tmp_path / "out.jsonl")
    assert (summary.predicted, summary.failed) == (6, 0)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert {(line["id"], line["label"]) for line in lines} == {(f"{number}.png", "red") for number in range(6)}
