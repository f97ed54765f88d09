"""The comparison of rule learners: what it measures, on drawn questions, and that a killed run goes on."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

from kdsl.config import Config, ModelConfig
from kdsl.errors import ConfigError
from kdsl.evidence.types import Evidence
from kdsl.resources import PACKAGE, resource
from kdsl.rules.teacher import Teacher

SCRIPTS = PACKAGE.parent / "benchmarks"
SETTINGS = {"large": None, "small": None, "encoders": {"text": None}}
PLAIN = ["--config", str(resource("configs/nano.yaml")), "--set", "encoders.text=null"]
TELLING = {"refund": ("refund", "money"), "delivery": ("parcel", "late"), "size": ("size", "fits")}

pytestmark = pytest.mark.skipif(
    not (SCRIPTS / "rules.py").is_file(), reason="benchmarks/ is part of a checkout, not of the package"
)


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(SCRIPTS)
    return SCRIPTS


def module(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Questions in which one of two words tells the label, two of which no label fits."""
    rng = np.random.default_rng(3)
    own = tmp_path / "data" / "own_labels" / "sofmattress"
    own.mkdir(parents=True)
    for name, n, outside in (("train", 14, 0), ("test", 8, 2)):
        rows = [("what else", "NO_NODES_DETECTED")] * outside
        for label, words in TELLING.items():
            for i in range(n):
                said = [*rng.choice(["please", "hello", "the", "shop", "today"], 3), words[i % 2]]
                rows.append((" ".join(rng.permutation(said)), label))
        with (own / f"{name}-v2.csv").open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([("text", "label"), *rows])
    return tmp_path / "data"


def test_figures_of_a_run_count_abstentions_as_wrong(scripts: Path) -> None:
    measures = module("rule_measures")
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [np.nan, np.nan]])
    told = measures.judged(np.array([0, 1, 0, 1]), probabilities, train=np.array([0, 0, 1]))
    found = measures.figures([{**told, "rules": 2, "literals": 3, "seconds": 1.0}])
    assert told["found"] == [0, 1, 1, -1]
    assert found["F1"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert (found["answered"], found["precision at 50%"], found["coverage at 0.90"]) == (0.75, 1.0, 0.5)
    assert found["predictivity"] == pytest.approx(1 - 2 / 2)
    sweep = [{"rules": 10, "F1": 0.4}, {"rules": 20, "F1": 0.6}]
    assert measures.at_size(sweep, "rules", 15) == pytest.approx(0.5)
    assert measures.at_size(sweep, "rules", 99) == 0.6
    assert np.isnan(measures.at_size(sweep, "rules", 9))
    assert measures.dice({1, 2}, {2, 3}) == 0.5
    assert measures.dice(set(), set()) == 0


@pytest.mark.parametrize("name", ["kdsl", "precision as reward", "tree", "RIPPER", "RuleFit", "FIGS", "FIGS per label"])
def test_each_method_learns_telling_words_and_says_which(scripts: Path, folder: Path, name: str) -> None:
    if name == "RIPPER":
        pytest.importorskip("wittgenstein")
    if name.startswith(("FIGS", "RuleFit")):
        pytest.importorskip("imodels")
    methods = module("rule_methods")
    data = module("rule_problems").Data(folder, Config.model_validate(SETTINGS))
    (problem,) = data.problems("sofmattress-v2", 0)
    assert (len(problem.train), len(problem.test)) == (42, 24)
    model = methods.METHODS[name](problem, 3, 1)
    gold = problem.columns(problem.test)
    right = np.nan_to_num(model.probabilities).argmax(axis=1) == gold
    assert right.mean() > 0.8
    named = {word for words in TELLING.values() for word in words if any(word in str(rule) for rule in model.rules)}
    assert sum(named.issuperset(words) for words in TELLING.values()) >= 2  # the third may be what is left
    assert model.literals >= len(model.rules) >= 3


def test_rules_of_a_tree_say_what_the_tree_says(scripts: Path, folder: Path) -> None:
    data = module("rule_problems").Data(folder, Config.model_validate(SETTINGS))
    (problem,) = data.problems("sofmattress-v2", 0)
    model = module("rule_methods").tree(problem, 3, 1)
    cues = problem.cues
    fires = np.array(
        [
            [all(row[cues.names.index(name)] == holds for name, holds in condition) for _, condition in model.rules]
            for row in cues.test
        ]
    )
    said = np.array([problem.task.index(label) for label, _ in model.rules])
    assert (fires.sum(axis=1) == 1).all()
    assert (said[fires.argmax(axis=1)] == model.probabilities.argmax(axis=1)).all()


def test_comparison_goes_on_where_it_was_killed(
    scripts: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = module("rules")
    out = tmp_path / "results.jsonl"
    asked = ["compare", "--data", str(folder), "--task", "sofmattress-v2", "--out", str(out), *PLAIN]
    asked += ["--method", "kdsl", "--method", "tree", "--size", "1", "--size", "4", "--seed", "0", "--seed", "1"]
    first = CliRunner().invoke(rules.main, asked, catch_exceptions=False)
    lines = out.read_text("utf-8").splitlines()
    kept = [json.loads(line) for line in lines]
    assert sorted({line["size"] for line in kept}) == [1, 4, 12]
    assert {line["part"] for line in kept} == {"fit", "halves"}
    assert "| tree |" in first.output
    out.write_text("\n".join([*lines[:-1], lines[-1][:20]]) + "\n", "utf-8")
    again = CliRunner().invoke(rules.main, asked, catch_exceptions=False)
    assert len(out.read_text("utf-8").splitlines()) == len(lines) + 1  # the half line stays, its measurement is made
    assert again.output == first.output


def test_a_fit_that_runs_out_of_time_is_told_and_its_larger_sizes_are_not_tried(
    scripts: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "results.jsonl"
    asked = ["compare", "--data", str(folder), "--task", "sofmattress-v2", "--out", str(out), *PLAIN]
    asked += ["--method", "kdsl", "--size", "2", "--size", "4", "--seed", "0", "--limit", "0.001"]
    told = CliRunner().invoke(module("rules").main, asked, catch_exceptions=False)
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert all("out_of_time" in line for line in lines)
    assert [line.get("because") for line in lines] == [None, "size 2 was", "size 2 was"]
    assert "1 out of time" in told.output


def test_properties_of_a_book_are_counted(scripts: Path, folder: Path) -> None:
    data = module("rule_problems").Data(folder, Config.model_validate(SETTINGS))
    book = module("rule_methods").book_of(data.whole("sofmattress-v2"), 3, 1)
    found = module("rule_measures").properties(book)
    assert found["rules"] == len(book.rules) > 0
    assert (found["labels"], found["cues of one character"]) == (3, 0)
    assert found["most per label"] <= 3
    assert found["lower bound above 0.5"] == sum(r.stats.interval95[0] > 0.5 for r in book.rules)


def test_phrases_that_the_small_model_writes_are_a_prior_of_their_own(
    scripts: Path, folder: Path, tmp_path: Path, base_of: Callable[..., ModelConfig]
) -> None:
    methods = module("rule_methods")
    data = module("rule_problems").Data(folder, Config.model_validate(SETTINGS))
    (problem,) = data.problems("sofmattress-v2", 0)
    asked: list[str] = []

    def score(evidences: Sequence[Evidence]) -> np.ndarray:
        raise AssertionError("phrases alone hide nothing")

    def write(texts: Sequence[str]) -> list[str]:
        asked.extend(texts)
        return ["parcel, late"] * len(texts)

    taught = replace(problem, teacher=lambda: Teacher(score, write, "writer"))
    assert methods.PRIORS["phrases"](taught, 3, 1).rules
    assert len(asked) == 3 * 5  # per label and inner fold
    mute = replace(problem, teacher=lambda: Teacher(score, None, "kdsl-nano"))
    with pytest.raises(ConfigError, match="kdsl-nano was not trained to write"):
        methods.PRIORS["phrases"](mute, 3, 1)

    out = tmp_path / "prior.jsonl"
    given = ["prior", "--data", str(folder), "--task", "sofmattress-v2", "--out", str(out), "--seed", "0", *PLAIN]
    given += ["--set", f"small.source={base_of('gemma3_text').source}", "--set", "small.device=cpu"]
    given += ["--set", "rules.simulations=20", "--method", "phrases"]
    CliRunner().invoke(module("rules").main, [*given, "--fold", "1"], catch_exceptions=False)
    assert not out.exists()  # there is fold 0 alone
    CliRunner().invoke(module("rules").main, [*given, "--fold", "0"], catch_exceptions=False)
    (line,) = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert (line["method"], line["fold"], len(line["gold"])) == ("phrases", 0, 24)


def test_shuffles_count_the_rules_of_chance(scripts: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.jsonl"
    asked = ["shuffles", "--data", str(folder), "--task", "sofmattress-v2", "--out", str(out), *PLAIN]
    told = CliRunner().invoke(module("rules").main, [*asked, "--n", "2"], catch_exceptions=False)
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [line["seed"] for line in lines] == [0, 1]
    assert f"| sofmattress-v2 | 2 | {sum(line['rules'] for line in lines)} |" in told.output
