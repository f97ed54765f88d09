"""The lexical expert learns from a handful, abstains on nothing, and reads back what it wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from helpers.materials import material_of, setup_of

from kdsl.evidence.types import Evidence
from kdsl.experts.lexical import LexicalExpert
from kdsl.experts.linear import FLOOR
from kdsl.tasks import Task

ASKS = {
    "是否会生锈": ["这个锅会生锈吗", "用久了会不会锈掉", "不会起锈斑吧", "沾水生锈么"],
    "何时上货": ["什么时候补货呀", "啥时候再上架", "没货了 几时到货", "还会再上货吗"],
    "气泡": ["贴膜有气泡怎么弄", "气泡挤不出去", "好多泡泡", "怎么贴才没有气泡"],
}


def dialogues(make: Callable[..., Evidence], asks: dict[str, list[str]]) -> list[Evidence]:
    return [
        make(f"{label}-{i}", label, turns=(("user", "<image>"), ("agent", "您好"), ("user", ask)))
        for label, texts in asks.items()
        for i, ask in enumerate(texts)
    ]


def test_learns_saves_and_loads(make_evidence: Callable[..., Evidence], intent: Task, tmp_path: Path) -> None:
    expert = LexicalExpert(intent, setup_of(intent)).fit(material_of(intent, dialogues(make_evidence, ASKS)))
    asked = [make_evidence("x", turns=(("user", "<image>"), ("user", text))) for text in ("会锈吗", "有气泡")]
    scores = expert.scores(asked)
    assert [intent.names[i] for i in scores.argmax(1)] == ["是否会生锈", "气泡"]
    assert scores[0, intent.index("商品材质")] == FLOOR
    expert.save(tmp_path / "lexical")
    again = LexicalExpert.load(tmp_path / "lexical", intent, setup_of(intent))
    assert np.allclose(again.scores(asked), scores, atol=1e-4)


def test_words_count_as_wholes_where_scripts_have_spaces(make_evidence: Callable[..., Evidence], intent: Task) -> None:
    asks = {
        "是否会生锈": ["is it emi", "can I have emi", "have emi"],
        "气泡": ["is it premium", "can I have premium", "premium please"],
    }
    expert = LexicalExpert(intent, setup_of(intent)).fit(material_of(intent, dialogues(make_evidence, asks)))
    counted = [set(names) for names in expert.tf_idf_.vocabularies]
    assert {"emi", "premium", "have emi"} <= counted[-1]
    chinese = LexicalExpert(intent, setup_of(intent)).fit(material_of(intent, dialogues(make_evidence, ASKS)))
    assert chinese.tf_idf_.vocabularies[-2:] == [["\0"], ["\0"]]  # characters alone


def test_abstains_without_known_text(make_evidence: Callable[..., Evidence], intent: Task) -> None:
    expert = LexicalExpert(intent, setup_of(intent)).fit(material_of(intent, dialogues(make_evidence, ASKS)))
    silent = make_evidence("x", turns=(("user", "<image>"), ("user", "")))
    assert np.isnan(expert.scores([silent])).all()


def test_two_labels_and_empty_fields(make_evidence: Callable[..., Evidence], scene: Task) -> None:
    shown = {"购物车页面": "购物车 结算 合计", "退款页面": "退款成功 退款金额"}
    train = [make_evidence(f"{k}{i}", k, lines=tuple(v.split())) for k, v in shown.items() for i in range(3)]
    expert = LexicalExpert(scene, setup_of(scene))
    scores = expert.fit(material_of(scene, train)).scores([make_evidence("x", lines=("结算(3)",))])
    assert scene.names[int(scores.argmax())] == "购物车页面"
    photos = [make_evidence(f"{k}{i}", k) for k in shown for i in range(3)]
    assert np.isnan(expert.fit(material_of(scene, photos)).scores(photos)).all()
