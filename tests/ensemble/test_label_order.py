"""The order of labels in a task file changes nothing that a fitted bundle says, rounding apart; here without a model.

tests/models holds the same of a large model's scores.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.materials import NO_MODELS

from kdsl.data.prediction import Prediction
from kdsl.data.sample import Sample
from kdsl.ensemble.fit import fit_bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.evidence.types import Evidence
from kdsl.tasks import Label, Task

ASKED = {
    "LATE": ("where is my {}", "my {} has not arrived yet", "the {} is late", "我的{}怎么还没到"),
    "REFUND": ("I want my money back for the {}", "refund the {}", "pay me back the {}", "{}我要退款"),
    "WASHING": ("can the {} be washed", "how do I clean the {}", "wash the {} at 60", "{}可以水洗吗"),
    "SIZE": ("how large is the {}", "which size of {} do I need", "is the {} big enough", "{}有多大尺寸"),
    "COLOUR": ("is the {} also there in red", "which colours has the {}", "a {} in blue", "{}有什么颜色"),
}
THINGS = ("mattress", "pillow", "blanket", "枕头")
NEW = (
    "my bed is late",
    "the duvet, in green?",
    "how big is the sofa",
    "money back",
    "洗衣机能洗吗",
    "who won the match",
)
LABELS = tuple(Label(name=name, zh=name.lower(), en=name.lower()) for name in ASKED)


def task_of(order: tuple[int, ...]) -> Task:
    return Task(name="ask", input="dialogue", prompt="What is asked?", labels=tuple(LABELS[i] for i in order))


def predictions(order: tuple[int, ...], folder: Path) -> list[Prediction]:
    said = [(text.format(thing), name) for name, texts in ASKED.items() for text in texts for thing in THINGS]
    rows = [Sample.dialogue([text], task="ask", label=name, id=text) for text, name in said]
    bundle = fit_bundle([Evidence(sample, ()) for sample in rows], [task_of(order)], NO_MODELS, folder)
    predictor = Predictor(bundle)
    found = predictor.predict([Evidence(Sample.dialogue([text], task="ask", id=text), ()) for text in NEW])
    predictor.close()
    return found


@pytest.mark.parametrize("order", [(4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
def test_shuffled_labels_change_no_prediction(order: tuple[int, ...], tmp_path: Path) -> None:
    expected = predictions((0, 1, 2, 3, 4), tmp_path / "as-they-stand")
    for one, other in zip(expected, predictions(order, tmp_path / "shuffled"), strict=True):
        assert one.label == other.label
        assert other.distribution == pytest.approx(one.distribution, abs=1e-4)
        assert other.in_scope == pytest.approx(one.in_scope, abs=1e-4)
        assert (other.abstained, other.out_of_scope) == (one.abstained, one.out_of_scope)
        assert {rule.id for rule in other.trace.rules} == {rule.id for rule in one.trace.rules}
