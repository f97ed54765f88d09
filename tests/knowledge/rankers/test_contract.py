"""One suite over all rankers, on texts in Chinese, English and both, and on pictures: what an index may rely on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kdsl.config import EncodersConfig
from kdsl.errors import BundleError
from kdsl.evidence.types import UNSEEN, Evidence, Picture
from kdsl.files import write_json
from kdsl.knowledge.documents import Document
from kdsl.knowledge.rankers.base import Item, Ranker
from kdsl.knowledge.rankers.registry import RANKERS, load_ranker, new_rankers
from kdsl.knowledge.rankers.words import terms
from kdsl.tasks import Task

TEXTS = ("这个杯子会不会生锈", "退款什么时候到账", "Does the blue one fade?", "iPhone15 的 emi 分期怎么算", "")
NAMES = [kind.name for kind in RANKERS]


def text_item(n: int, text: str) -> Item:
    return Item(Document(str(n), "faq", text, ""))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Two red discs, two pages of lines, and a document without a picture."""
    folder = tmp_path_factory.mktemp("pictures")
    items = []
    for name, draw in (
        ("disc", lambda pen: pen.ellipse((60, 60, 200, 200), fill="red")),
        ("larger", lambda pen: pen.ellipse((50, 50, 210, 215), fill="red")),
        ("page", lambda pen: [pen.line((20, y, 240, y), fill="black", width=4) for y in range(20, 250, 20)]),
        ("grid", lambda pen: [pen.line((x, 20, x, 240), fill="blue", width=9) for x in range(20, 250, 40)]),
    ):
        image = Image.new("RGB", (260, 260), "white")
        draw(ImageDraw.Draw(image))
        image.save(folder / f"{name}.png")
        picture = Picture(name, folder / f"{name}.png", 260, 260, (), UNSEEN)
        items.append(Item(Document(name, "sample", "", ""), (picture,)))
    return [*items, Item(Document("bare", "sample", "", ""))]


@pytest.fixture(scope="module", params=NAMES)
def fitted(request: pytest.FixtureRequest, pictures: list[Item]) -> tuple[Ranker, list[Item]]:
    """A ranker and the items that it was fitted on; the last of them holds nothing to compare."""
    items = pictures if request.param == "pictures" else [text_item(n, text) for n, text in enumerate(TEXTS)]
    [ranker] = [ranker for ranker in new_rankers(EncodersConfig()) if ranker.name == request.param]
    return ranker.fit(items), items


def test_similarities_are_shares_and_an_item_is_nearest_to_itself(fitted: tuple[Ranker, list[Item]]) -> None:
    ranker, items = fitted
    found = ranker.similarities(items)
    assert found.dtype == np.float32
    assert found.shape == (len(items), ranker.items) == (len(items), len(items))
    assert ranker.known == len(items) - 1
    assert found.min() >= 0
    assert found.max() <= 1.001
    assert found[:-1].argmax(axis=1).tolist() == list(range(len(items) - 1))


def test_what_holds_nothing_is_like_nothing(fitted: tuple[Ranker, list[Item]]) -> None:
    ranker, items = fitted
    found = ranker.similarities(items)
    assert not found[-1].any()
    assert not found[:, -1].any()
    assert ranker.similarities([]).shape == (0, len(items))


def test_a_query_is_answered_alike_alone_and_in_company(fitted: tuple[Ranker, list[Item]]) -> None:
    ranker, items = fitted
    together = ranker.similarities(items)
    for row, item in enumerate(items):
        np.testing.assert_allclose(ranker.similarities([item])[0], together[row], atol=1e-5)


def test_what_was_saved_says_the_same(fitted: tuple[Ranker, list[Item]], tmp_path: Path) -> None:
    ranker, items = fitted
    ranker.save(tmp_path / "state")
    again = load_ranker(ranker.name, tmp_path / "state")
    assert (again.items, again.known) == (ranker.items, ranker.known)
    np.testing.assert_array_equal(again.similarities(items), ranker.similarities(items))


def test_damaged_state_is_refused(fitted: tuple[Ranker, list[Item]], tmp_path: Path) -> None:
    ranker, _ = fitted
    ranker.save(tmp_path / "state")
    for file in (tmp_path / "state").iterdir():
        file.write_bytes(b"{}")
    with pytest.raises(BundleError, match="cannot be read"):
        load_ranker(ranker.name, tmp_path / "state")


@pytest.mark.parametrize("name", ["meaning", "pictures"])
def test_vectors_of_another_encoder_are_refused(name: str, pictures: list[Item], tmp_path: Path) -> None:
    [ranker] = [ranker for ranker in new_rankers(EncodersConfig()) if ranker.name == name]
    ranker.fit(pictures).save(tmp_path / "state")
    [encoder] = EncodersConfig().text if name == "meaning" else [EncodersConfig().picture]
    write_json(tmp_path / "state" / "encoders.json", {encoder: "0.0.1-other"})
    with pytest.raises(BundleError, match=rf"made with encoder '{encoder}' 0\.0\.1-other"):
        load_ranker(name, tmp_path / "state")


def test_settings_say_which_rankers_there_are() -> None:
    def names(**encoders: object) -> list[str]:
        return [ranker.name for ranker in new_rankers(EncodersConfig.model_validate(encoders))]

    assert names() == NAMES
    assert names(text="auto") == NAMES
    assert names(text=None, picture=None) == ["characters", "words"]


def test_pictures_are_compared_where_they_are_the_input(
    make_evidence: Callable[..., Evidence], scene: Task, intent: Task
) -> None:
    seen = make_evidence("a", lines=("退款成功",), turns=(("user", "退款到账了吗"),))
    assert seen.pictures
    assert Item.of(seen, scene).pictures == seen.pictures
    assert Item.of(seen, intent).pictures == ()


def test_similar_pictures_are_nearer_than_others(pictures: list[Item]) -> None:
    [ranker] = [ranker for ranker in new_rankers(EncodersConfig()) if ranker.name == "pictures"]
    disc, larger, page, grid, bare = ranker.fit(pictures).similarities(pictures[:1])[0]
    assert disc > larger > max(page, grid)
    assert bare == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("会不会生锈？", ("会不", "不会", "会生", "生锈")),
        ("Does the BLUE one fade?", ("does", "the", "blue", "one", "fade")),
        ("这款iPhone15 的emi分期 12.5元吗？ 好", ("这款", "iphone15", "的", "emi", "分期", "0", "0", "元吗", "好")),
        ("…！", ()),
        ("", ()),
    ],
)
def test_what_a_word_is_depends_on_the_script(text: str, words: tuple[str, ...]) -> None:
    assert terms(text) == words
