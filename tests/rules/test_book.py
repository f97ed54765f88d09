"""Rule books as files and as scorers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdsl.errors import ConfigError, InputError
from kdsl.evidence.types import Evidence
from kdsl.resources import resource
from kdsl.rules.book import RuleBook, shipped_rules
from kdsl.rules.literals import OcrText
from kdsl.rules.rule import Origin, Rule, Stats, When
from kdsl.tasks import Label, Task, load_task

LABELS = ("购物车", "退款", "领券")


def rule(id: str, label: str, *lines: str, weight: float = 2.0, **more: object) -> Rule:
    return Rule(id=id, label=label, when=When(all=tuple(OcrText(x) for x in lines)), weight=weight, **more)  # type: ignore[arg-type]


@pytest.fixture
def book() -> RuleBook:
    stats = Stats(
        support=9, precision=0.8889, interval95=(0.5650, 0.9801), recall=0.4, fidelity=0.5, stability=0.6, conflicts=2
    )
    made = Origin(how="mined", model="kdsl-nano", seed=17)
    return RuleBook(
        task="toy",
        labels=LABELS,
        bias={"退款": 0.25},
        rules=(
            rule("m01-1", "购物车", "结算", weight=1.5, stats=stats, origin=made),
            Rule(
                id="refund",
                label="退款",
                when=When.model_validate(
                    {
                        "any": ["an OCR line contains 「退款金额」", "an OCR line reads 「 退款 」"],
                        "none": ["an OCR line holds a price"],
                    }
                ),
            ),
            rule("off", "领券", "领取", enabled=False),
        ),
    )


def test_a_saved_book_loads_to_an_equal_one(book: RuleBook, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "toy.yaml"
    book.save(path)
    assert RuleBook.load(path) == book
    text = path.read_text("utf-8")
    assert "- an OCR line contains 「退款金额」" in text
    assert "an OCR line reads 「退款」" in text


def test_scores_are_normalised_votes_and_abstain_in_silence(
    book: RuleBook, make_evidence: Callable[..., Evidence]
) -> None:
    evidences = [
        make_evidence(lines=("去结算",)),
        make_evidence(lines=("领取", "首页")),  # only a disabled rule would fire
        make_evidence(lines=("结算", "退款金额")),
    ]
    scores = book.scores(evidences)
    assert scores.shape == (3, 3)
    assert np.isnan(scores[1]).all()
    logits = np.array([[1.5, 0.25, 0.0], [1.5, 3.25, 0.0]])
    expected = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(scores[[0, 2]], expected, atol=1e-12)
    assert [r.id for r in book.fired(evidences[2])] == ["refund", "m01-1"]
    assert book.fired(evidences[1]) == []


def test_none_blocks_a_rule(book: RuleBook, make_evidence: Callable[..., Evidence]) -> None:
    assert not book.rules[1].fires(make_evidence(lines=("退款金额", "¥20")))
    assert book.rules[1].fires(make_evidence(lines=("退款",)))


def test_a_book_without_rules_always_abstains(make_evidence: Callable[..., Evidence]) -> None:
    empty = RuleBook(task="toy", labels=LABELS)
    assert np.isnan(empty.scores([make_evidence(lines=("退款",))])).all()
    assert empty.scores([]).shape == (0, 3)


def test_all_faults_of_a_file_are_listed_with_their_rules(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(
        """
task: toy
labels: [购物车页面, 退款页面]
bias: {退款: 1}
rules:
- {id: a, label: 购物车, when: {all: [an OCR line contains 「结算」]}}
- {id: b, label: 退款页面, when: {all: [an OCR lines contains 「退款」]}, wight: 2}
- {id: c, label: 退款页面, when: {none: [a picture is a photo]}}
- {id: c2, label: 退款页面, when: {all: [a picture is a photo]}, weight: -1}
- just a line
- {id: d, label: 退款页面, when: {all: [a picture is a photo]}}
- {id: d, label: 退款页面, when: {all: [a picture is dark]}}
""",
        "utf-8",
    )
    with pytest.raises(ConfigError) as error:
        RuleBook.load(path)
    said = str(error.value)
    for expected in (
        "bias: no label is called '退款'. Did you mean 退款页面?",
        "rule 'a': no label is called '购物车'. Did you mean 购物车页面?",
        "rule 'b': when.all.0: 'an OCR lines contains 「退款」' is not a literal. Did you mean an OCR line contains",
        "rule 'b': wight",
        "rule 'c': when: a rule needs a literal under 'all' or 'any'",
        "rule 'c2': weight",
        "rule 'number 5'",
        "rule 'd': the id stands 2 times",
    ):
        assert expected in said, said


@pytest.mark.parametrize("content", ["- a\n- b\n", "task: [", "\x00", "task: toy\nlabels: [a, b]\nrules: 3\n"])
def test_what_is_no_book_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigError, match=r"toy\.yaml"):
        RuleBook.load(path)


def test_labels_that_stand_twice_or_are_no_texts_are_faults(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text("task: toy\nlabels: [a, b, a]\n", "utf-8")
    with pytest.raises(ConfigError, match="labels stand twice: a"):
        RuleBook.load(path)
    path.write_text("task: toy\nlabels: [2, b]\n", "utf-8")
    with pytest.raises(ConfigError, match=r"labels\.0: expected a text, found 2, .* put it in quotes"):
        RuleBook.load(path)


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
def test_a_bias_is_a_finite_number(value: str, tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(f"task: toy\nlabels: [a, b]\nbias: {{a: {value}}}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"bias\.a: .*finite"):
        RuleBook.load(path)


def test_yaml_tags_that_build_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text("task: !!python/object/apply:os.getcwd []\nlabels: [a, b]\n", "utf-8")
    with pytest.raises(ConfigError, match="cannot be read"):
        RuleBook.load(path)


def test_a_book_for_other_labels_is_refused(book: RuleBook, toy: Task) -> None:
    book.check(toy)
    other = toy.model_copy(update={"labels": (*toy.labels[:2], Label(name="店铺", zh="店铺", en="shop"))})
    with pytest.raises(ConfigError, match="店铺, 领券"):
        book.check(other)
    with pytest.raises(ConfigError, match="order differs"):
        book.check(toy.model_copy(update={"labels": toy.labels[::-1]}))
    with pytest.raises(ConfigError, match="task 'toy'"):
        book.check(toy.model_copy(update={"name": "shop"}))


def test_a_book_of_another_task_is_named_by_its_file(book: RuleBook, toy: Task, tmp_path: Path) -> None:
    book.save(tmp_path / "toy.yaml")
    assert RuleBook.load_for(toy, tmp_path / "toy.yaml") == book
    with pytest.raises(ConfigError, match=r"toy\.yaml: the rule book is for task 'toy', not for 'shop'"):
        RuleBook.load_for(toy.model_copy(update={"name": "shop"}), tmp_path / "toy.yaml")


SHIPPED = sorted(resource("rules").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_books_are_valid_and_cover_every_label(path: Path) -> None:
    book = RuleBook.load(path)
    task = load_task(resource(f"configs/tasks/mire-{path.stem}.yaml"))
    book.check(task)
    counts = {name: sum(rule.label == name for rule in book.rules) for name in task.names}
    assert all(2 <= count <= 4 for count in counts.values()), counts
    assert {rule.origin.how for rule in book.rules} == {"hand"}
    for rule in book.rules:  # short enough to be read at once; what has many words is a group
        assert len(rule.when.all) + len(rule.when.any) + len(rule.when.none) <= 4, rule.id
    assert set(book.groups) == {group.name for rule in book.rules for group in rule.when.groups}
    assert shipped_rules(task) == book.rules


def test_shipped_books_are_there() -> None:
    assert [path.stem for path in SHIPPED] == ["intent", "scene"]


def test_shipped_rules_are_not_for_other_labels(scene: Task) -> None:
    assert shipped_rules(scene.model_copy(update={"name": "another"})) == ()
    assert shipped_rules(scene.model_copy(update={"labels": scene.labels[:5]})) == ()


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("是否会生锈", "这口锅用久了会不会生锈呀"),
        ("排水方式", "你家洗衣机是上排水还是下排水"),
        ("适用季节", "这床被子夏天盖着热不热"),
        ("何时上货", "白色的什么时候补货"),
        ("气泡", "膜贴上去有好多气泡"),
        ("版本款型区别", "升级款和普通款有什么区别"),
        ("包装区别", "新包装和旧包装为什么不一样"),
        ("商品材质", "这个锅是304不锈钢的吗"),  # which holds a character of rust
    ],
)
def test_shipped_intent_rules_know_plain_questions(
    label: str, text: str, make_evidence: Callable[..., Evidence]
) -> None:
    book = RuleBook.load(resource("rules/intent.yaml"))
    scores = book.scores([make_evidence(turns=(("user", text), ("agent", "您好")))])
    assert book.labels[int(scores[0].argmax())] == label


@pytest.mark.parametrize(
    ("label", "lines"),
    [
        ("购物车页面", ("购物车(3)", "某某旗舰店", "全选", "合计 ¥99.00", "结算(2)")),
        ("换货页面", ("换货详情", "等待商家处理", "换货商品", "换货原因")),
        ("投诉举报页面", ("投诉详情", "投诉原因", "商家未按约定时间发货", "撤销投诉")),
        ("物流页面-物流异常页面", ("物流详情", "包裹异常", "您的包裹长时间未更新", "联系快递")),
    ],
)
def test_shipped_scene_rules_know_plain_pages(
    label: str, lines: tuple[str, ...], make_evidence: Callable[..., Evidence]
) -> None:
    book = RuleBook.load(resource("rules/scene.yaml"))
    scores = book.scores([make_evidence(lines=lines)])
    assert book.labels[int(scores[0].argmax())] == label


TEXTS = st.sampled_from(["结算", "退款", "领取", "合计", "首页"])
CONDITIONS = st.builds(
    When,
    all=st.lists(TEXTS.map(OcrText), min_size=1, max_size=2).map(tuple),
    any=st.lists(TEXTS.map(OcrText), max_size=2).map(tuple),
    none=st.lists(TEXTS.map(OcrText), max_size=1).map(tuple),
)
RULES = st.builds(
    Rule,
    id=st.uuids().map(str),
    label=st.sampled_from(LABELS),
    when=CONDITIONS,
    weight=st.floats(0, 8),
    enabled=st.booleans(),
)
BOOKS = st.builds(
    RuleBook,
    task=st.just("toy"),
    labels=st.just(LABELS),
    bias=st.dictionaries(st.sampled_from(LABELS), st.floats(-3, 3)),
    rules=st.lists(RULES, max_size=6, unique_by=lambda rule: rule.id).map(tuple),
)


@given(book=BOOKS, screens=st.lists(st.lists(TEXTS, max_size=4), min_size=1, max_size=5))
def test_scores_are_what_the_fired_rules_add_up_to(
    book: RuleBook, screens: list[list[str]], make_evidence: Callable[..., Evidence]
) -> None:
    evidences = [make_evidence(lines=tuple(lines)) for lines in screens]
    for evidence, scores in zip(evidences, book.scores(evidences), strict=True):
        fired = book.fired(evidence)
        logits = np.array([book.bias.get(label, 0.0) for label in LABELS])
        for rule in fired:
            logits[LABELS.index(rule.label)] += rule.weight
        if fired:
            np.testing.assert_allclose(np.exp(scores), np.exp(logits) / np.exp(logits).sum(), atol=1e-9)
        else:
            assert np.isnan(scores).all()


def test_a_write_that_fails_leaves_the_old_book(
    book: RuleBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "toy.yaml"
    book.save(path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match="cannot be written: No space left"):
        book.model_copy(update={"rules": ()}).save(path)
    assert RuleBook.load(path) == book
    assert [file.name for file in tmp_path.iterdir()] == ["toy.yaml"]
