"""What retrieval may not see: a sample's own label, its copies while weights are learned (folds: test_crossval.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.materials import NO_MODELS, material_of, setup_of
from PIL import Image

from kdsl.config import EncodersConfig
from kdsl.data.sample import Sample, Turn
from kdsl.encoders.texts import MultilingualE5, UniversalSentenceEncoder
from kdsl.ensemble.calls import near_snippets
from kdsl.evidence.types import UNSEEN, Evidence, Picture
from kdsl.experts.retrieval import RetrievalExpert
from kdsl.knowledge.documents import Document
from kdsl.knowledge.rankers.vectors import MeaningRanker
from kdsl.machine import has_avx2
from kdsl.tasks import Label, Task

ASKED = {
    "rust": ("会生锈吗", "does it rust", "用久了 rust 吗", "生锈了怎么办", "rust spots?", "沾水生锈"),
    "refund": ("怎么退款", "refund please", "退款 refund 多久", "退款没到账", "where is my refund", "能退款吗"),
    "stock": ("还补货吗", "back in stock?", "补货 stock 几时", "没货了", "is it in stock", "什么时候补货"),
}


@pytest.fixture(scope="module")
def task() -> Task:
    return Task(name="ask", input="dialogue", prompt="?", labels=tuple(Label(name=n, zh=n, en=n) for n in ASKED))


@pytest.fixture(scope="module")
def asked(task: Task) -> list[Evidence]:
    return [
        Evidence(Sample(f"{label}-{i}", task.name, (), (Turn("user", text, text),), label), ())
        for label, texts in ASKED.items()
        for i, text in enumerate(texts)
    ]


def said(evidence: Evidence, text: str) -> Evidence:
    """The same sample with another turn."""
    return replace(evidence, sample=replace(evidence.sample, turns=(Turn("user", text, text),)))


def fitted(task: Task, labelled: Sequence[Evidence]) -> RetrievalExpert:
    return RetrievalExpert(task, setup_of(task)).fit(material_of(task, labelled))


def test_weights_are_learned_and_kept(task: Task, asked: list[Evidence], tmp_path: Path) -> None:
    expert = fitted(task, asked)
    assert set(expert.index.weights) == {"characters", "words", "meaning"}
    assert len(set(expert.index.weights.values())) == 3
    expert.save(tmp_path / "index")
    assert RetrievalExpert.load(tmp_path / "index", task, expert.setup).index.weights == expert.index.weights


@pytest.mark.skipif(not has_avx2(), reason="the encoder needs AVX2")
def test_what_is_imagined_is_read_by_the_fastest_encoder_alone(task: Task, asked: list[Evidence]) -> None:
    """The others would take half an hour for the thousands of documents of the world."""
    pytest.importorskip(MultilingualE5.package)
    both = [UniversalSentenceEncoder.name, MultilingualE5.name]
    config = NO_MODELS.model_copy(update={"encoders": EncodersConfig.model_validate({"text": both, "picture": None})})

    def readers(imagined: Sequence[Document]) -> str:
        material = replace(material_of(task, asked), imagined_documents=lambda _: imagined)
        index = RetrievalExpert(task, setup_of(task, config=config)).fit(material).index
        [meaning] = [ranker for ranker in index.rankers if isinstance(ranker, MeaningRanker)]
        return meaning.embedder

    assert all(name in readers(()) for name in both)
    drawn = Document("world 1", "faq", "does it rust in rain", "", task=task.name, label="rust")
    assert [name in readers([drawn]) for name in both] == [True, False]


def test_a_samples_own_label_does_not_reach_what_it_is_told(task: Task, asked: list[Evidence]) -> None:
    """In the index and as a query it has another label; its neighbours and their votes stay as they are."""
    wrong = replace(asked[0], sample=replace(asked[0].sample, label="stock"))
    right, changed = fitted(task, asked), fitted(task, [wrong, *asked[1:]])
    changed.index.weights = right.index.weights  # learned from the labels of all samples
    near = [[snippet.found for snippet in e.snippets(asked[:1], 9)[0]] for e in (right, changed)]
    assert near[0] == near[1]
    assert asked[0].sample.id not in {found.id for found in near[0]}
    np.testing.assert_array_equal(right.scores([wrong]), right.scores(asked[:1]))
    assert changed.scores([wrong]).argmax() == right.scores(asked[:1]).argmax() == task.index("rust")


def test_copies_under_other_ids_do_not_count_while_weights_are_learned(task: Task, asked: list[Evidence]) -> None:
    """Every sample twice: were copies to vote, each vote would be right, and weights would rise without end."""
    long = [
        said(e, f"{e.sample.turns[0].text}，我想问一下这件事情，谢谢{chr(0x4E00 + i)}") for i, e in enumerate(asked)
    ]
    twins = [replace(e, sample=replace(e.sample, id=f"{e.sample.id}-again")) for e in long]
    once, twice = fitted(task, long).index.weights, fitted(task, [*long, *twins]).index.weights
    assert twice == pytest.approx(once, rel=0.5)


def test_a_snippet_with_the_id_of_a_sample_keeps_its_place_beside_it(task: Task, asked: list[Evidence]) -> None:
    namesake = Document("rust-0", "faq", "铁锈 stains", "", task.name, "rust", source="own.yaml")
    material = replace(material_of(task, asked), snippets=lambda _: [namesake])
    expert = RetrievalExpert(task, setup_of(task)).fit(material)
    assert {"rust-0", "rust-0 of own.yaml"} <= {document.id for document in expert.index.documents}
    assert "rust-0 of own.yaml" in {snippet.found.id for snippet in expert.snippets(asked[:1], 99)[0]}


def test_a_snippet_says_where_it_is_from_and_which_rankers_found_it(
    task: Task, asked: list[Evidence], make_evidence: Callable[..., Evidence]
) -> None:
    new = make_evidence("new", turns=(("user", "这个会生锈吗"),), task=task.name)
    snippet = fitted(task, asked).snippets([new], 3)[0][0]
    assert snippet.found.label == "rust"
    assert snippet.found.source == f"sample {snippet.found.id}"
    assert {"characters", "words", "meaning"} >= set(snippet.found.found_by) != set()
    assert len(snippet.passage) < 200


def test_similar_pictures_are_found_and_do_not_vote(tmp_path: Path) -> None:
    """Votes of pictures would say again, by fewer samples, what the visual expert says of the same vectors."""
    task = Task(
        name="photo", input="picture", prompt="?", labels=tuple(Label(name=n, zh=n, en=n) for n in ("red", "blue"))
    )

    def photo(name: str, label: str | None, colour: str) -> Evidence:
        file = tmp_path / f"{name}.png"
        Image.new("RGB", (120, 120), colour).save(file)
        return Evidence(Sample(name, "photo", (file.name,), (), label), (Picture(name, file, 120, 120, (), UNSEEN),))

    labelled = [photo("r1", "red", "#d00000"), photo("r2", "red", "#c81010"), photo("b1", "blue", "#0000d0")]
    expert = fitted(task, labelled)
    asked = [photo("new", None, "#cc0808")]
    assert np.isnan(expert.scores(asked)).all()  # nothing is written there
    [near] = expert.snippets(asked, 3)
    assert near[0].found.label == "red"
    assert set(near[0].found.found_by) == {"pictures"}


def test_a_snippet_with_the_id_of_a_sample_stays_beside_it(task: Task, asked: list[Evidence], tmp_path: Path) -> None:
    snippet = Document(asked[0].sample.id, "faq", "生锈吗", "擦干就不会", task.name, "rust", source="faq.yaml")
    material = replace(material_of(task, asked), snippets=lambda _: [snippet])
    expert = RetrievalExpert(task, setup_of(task)).fit(material)
    expert.save(tmp_path / "index")
    again = RetrievalExpert.load(tmp_path / "index", task, expert.setup)
    [near] = again.snippets(asked[:1], len(asked) + 1)
    assert f"{snippet.id} of faq.yaml" in {one.found.id for one in near}
    assert snippet.id not in {one.found.id for one in near}  # the sample itself
    np.testing.assert_array_equal(again.scores(asked), expert.scores(asked))


def test_a_document_without_a_label_is_shown_in_call_2_by_itself(task: Task, asked: list[Evidence]) -> None:
    """It says something about the goods and speaks for no label; one about a label that is out of question is not."""
    page = Document("care", "page", "", "生锈：沾水后擦干，就不会生锈", task.name)
    other = Document("late", "faq", "会生锈吗 退款吗", "", task.name, "refund")
    material = replace(material_of(task, asked[:12]), snippets=lambda _: [page, other])
    expert = RetrievalExpert(task, setup_of(task)).fit(material)
    (near,) = expert.snippets(asked[:1], 12)
    assert {"care", "late"} <= {snippet.found.id for snippet in near}
    shown = {snippet.found.id: snippet.passage for snippet in near_snippets([expert], asked[0], 12, {"rust", "stock"})}
    assert shown["care"] == page.excerpt
    assert "late" not in shown
    assert [text.rpartition("：")[2] for id, text in shown.items() if id != "care"] == ["rust"] * (len(shown) - 1)
