"""A grid of tiny real cells: run, killed, continued, refused; its tables against figures computed by hand."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from helpers.fragile_cells import die_in_a
from helpers.tiny_models import tiny_folder
from PIL import Image
from sklearn.metrics import f1_score

import kdsl.evaluation.ablation.cell as cell_module
import kdsl.evaluation.ablation.grid as ablation
from kdsl.cli.main import cli
from kdsl.config_file import find_config, load_tasks
from kdsl.data.sample import Sample
from kdsl.errors import BundleError, ConfigError, InputError, KdslError
from kdsl.evaluation.ablation.cell import read_lines, share
from kdsl.evaluation.ablation.grid import load_grid, run_ablation
from kdsl.evaluation.ablation.leave_out import leave_out
from kdsl.evaluation.ablation.processes import run_cells
from kdsl.evaluation.ablation.tables import Arm, Plan, write_results
from kdsl.evidence.observe import load_evidence
from kdsl.evidence.types import Evidence
from kdsl.models.adapters import adapter_on
from kdsl.models.base import load_base
from kdsl.models.merging import Merge, merge_adapters
from kdsl.models.scorer import LabelScorer
from kdsl.resources import resource
from kdsl.training.folder import Run
from kdsl.training.lora import train_adapters

SCENES = {"购物车": "去结算", "退款": "退款成功", "物流": "运输中"}
ASKS = {"生锈": "会不会生锈", "补货": "几时补货呀", "气泡": "贴膜有气泡"}
GRID: dict[str, Any] = {
    "base": "base.yaml",
    "seeds": [1, 2],
    "curve": True,
    "variants": {"separate": {}, "joint": {"set": {"training.strategy": "joint"}}},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 labelled samples of two tasks with their OCR, two folds, a tiny model and a config that names it."""
    folder = tmp_path_factory.mktemp("shop")
    rows, ocr, folds = [], [], {}
    for name, given, labels in (("scene", "picture", SCENES), ("intent", "dialogue", ASKS)):
        task = {"name": name, "input": given, "prompt": "这是什么？"}
        task["labels"] = [{"name": label, "zh": label, "en": label} for label in labels]  # type: ignore[assignment]
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(task, allow_unicode=True), "utf-8")
        for label, text in labels.items():
            for i in range(4):
                id, image = f"{label}{i}", f"{name}-{len(rows)}.png"
                Image.new("RGB", (60, 90), (9 * len(rows), 90, 120)).save(folder / image)
                asked = "<image>" if name == "scene" else f"用户: <image>{text}{i}"
                rows.append({"id": id, "task": name, "instruction": asked, "output": label, "image": [image]})
                lines = [{"text": text, "score": 0.9, "box": [5, 5, 50, 15]}] if name == "scene" else []
                ocr.append({"image": image, "width": 60, "height": 90, "lines": lines})
                folds[id] = i % 2
    (folder / "train.json").write_text(json.dumps(rows), "utf-8")
    (folder / "ocr.jsonl").write_text("\n".join(map(json.dumps, ocr)), "utf-8")
    (folder / "folds.json").write_text(json.dumps(folds), "utf-8")
    tiny_folder(folder / "model")
    base = {
        "tasks": ["scene.yaml", "intent.yaml"],
        "large": {"source": str(folder / "model"), "device": "cpu"},
        "small": {"source": str(folder / "model"), "device": "cpu"},
        "training": {"epochs": 1, "batch_size": 3, "lora_r": 2, "learning_rate": 0.01},
        "prompt": {"max_tokens": 128, "max_pixels": 3136},
        "rules": {"simulations": 20, "max_cues": 10, "occlusion_samples": 0},
        "knowledge": {"imagined_per_label": 0, "snippets": "snippets"},
    }
    snippet = {"id": "s1", "task": "intent", "label": next(iter(ASKS)), "kind": "faq", "title": "您好", "text": "您好"}
    (folder / "snippets").mkdir()
    (folder / "snippets" / "faq.yaml").write_text(yaml.safe_dump([snippet], allow_unicode=True), "utf-8")
    (folder / "base.yaml").write_text(yaml.safe_dump(base), "utf-8")
    return folder


def write_grid(shop: Path, name: str = "grid", **over: Any) -> Path:
    file = shop / f"{name}.yaml"
    file.write_text(yaml.safe_dump(GRID | over, sort_keys=False), "utf-8")
    return file


class Heard(logging.Handler):
    """Keeps the messages of a logger."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def run(shop: Path, output: Path, grid: Path, **options: Any) -> list[str]:
    """Run a grid; what it said."""
    heard, log = Heard(), logging.getLogger("kdsl.evaluation.ablation.grid")
    data = [shop / "train.json"], shop, shop / "ocr.jsonl", shop / "folds.json"
    log.addHandler(heard)
    log.setLevel(logging.INFO)
    try:
        run_ablation(load_grid(grid), *data, output, **options)
    finally:
        log.removeHandler(heard)
        log.setLevel(logging.NOTSET)
    return heard.said


@pytest.fixture(scope="module")
def finished(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The grid of two variants, two seeds and two folds."""
    output = tmp_path_factory.mktemp("finished")
    assert run(shop, output, write_grid(shop))[0] == "8 cells: 0 are there, 8 to run"
    return output


def test_every_sample_is_predicted_by_its_folds_cell(shop: Path, finished: Path) -> None:
    folds = json.loads((shop / "folds.json").read_text("utf-8"))
    for name in GRID["variants"]:
        for seed in GRID["seeds"]:
            rows = [row for k in (0, 1) for row in read_lines(finished / name / f"seed-{seed}" / f"fold-{k}.jsonl")]
            assert {row["id"]: row["fold"] for row in rows} == folds
            assert all(sum(row["distribution"].values()) == pytest.approx(1) for row in rows)
    assert not list(finished.rglob("*.work"))
    one, two = ((finished / "joint" / f"seed-{seed}" / "fold-0.jsonl").read_text("utf-8") for seed in (1, 2))
    assert one != two


def test_tables_equal_figures_computed_by_hand(shop: Path, finished: Path) -> None:
    gold = {row["id"]: row for row in json.loads((shop / "train.json").read_text("utf-8"))}
    f1: dict[tuple[str, int, str], float] = {}
    for name in GRID["variants"]:
        for seed in GRID["seeds"]:
            rows = [row for k in (0, 1) for row in read_lines(finished / name / f"seed-{seed}" / f"fold-{k}.jsonl")]
            for task in ("scene", "intent"):
                own = [row for row in rows if row["task"] == task]
                truth, said = [gold[row["id"]]["output"] for row in own], [row["label"] for row in own]
                f1[name, seed, task] = f1_score(truth, said, average="weighted", zero_division=0)
    with (finished / "results.csv").open(encoding="utf-8") as file:
        written = {(r["variant"], int(r["seed"]), r["task"]): float(r["f1"]) for r in csv.DictReader(file)}
    assert written == pytest.approx(f1)

    overall = {
        name: [fmean(f1[name, seed, task] for task in ("scene", "intent")) for seed in (1, 2)]
        for name in GRID["variants"]
    }
    gain = [j - s for j, s in zip(overall["joint"], overall["separate"], strict=True)]
    page = (finished / "results.md").read_text("utf-8")
    for name in GRID["variants"]:
        scene = [f1[name, seed, "scene"] for seed in (1, 2)]
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert row.split(" | ")[1] == f"{fmean(scene):.3f} ± {stdev(scene):.3f}"
        assert row.split(" | ")[3:6] == [f"{fmean(overall[name]):.3f} ± {stdev(overall[name]):.3f}", "2 of 2", "12"]
    assert f"{fmean(gain):+.3f} ± {stdev(gain):.3f} | 2 |" in page
    assert all((finished / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in ("results", "curve"))


def test_the_curve_ends_where_the_cell_ends(finished: Path) -> None:
    for cell in finished.rglob("fold-0.jsonl"):
        curve = read_lines(cell.with_name("fold-0.curve.jsonl"))
        assert sorted({row["epoch"] for row in curve}) == [0.5, 1.0]
        last = {row["id"]: row["label"] for row in curve if row["epoch"] == 1.0}
        assert last == {row["id"]: row["label"] for row in read_lines(cell)}
    with (finished / "curve.csv").open(encoding="utf-8") as file:
        ends = {(r["variant"], r["seed"], r["task"]): r["f1"] for r in csv.DictReader(file) if float(r["epoch"]) == 1.0}
    with (finished / "results.csv").open(encoding="utf-8") as file:
        assert ends == {(r["variant"], r["seed"], r["task"]): r["f1"] for r in csv.DictReader(file)}


def test_only_what_is_missing_is_run_again_and_gives_the_same(shop: Path, finished: Path) -> None:
    lost = finished / "joint" / "seed-2" / "fold-1.jsonl"
    before = lost.read_bytes()
    others = {p: p.stat().st_mtime_ns for p in finished.rglob("seed-*/fold-?.jsonl") if p != lost}
    lost.unlink()
    said = run(shop, finished, write_grid(shop))
    assert said == ["8 cells: 7 are there, 1 to run", "1 of 1: joint, seed 2, fold 1"]
    assert {p: p.stat().st_mtime_ns for p in others} == others
    again, first = read_lines(lost), [json.loads(line) for line in before.decode().splitlines()]
    assert [row["label"] for row in again] == [row["label"] for row in first]
    assert [row["probability"] for row in again] == pytest.approx([row["probability"] for row in first], abs=1e-4)


def test_a_grid_may_grow_but_not_change(shop: Path, finished: Path) -> None:
    more = {**GRID["variants"], "half": {"fraction": 0.5}}
    said = run(shop, finished, write_grid(shop, seeds=[1], variants=more, curve=False), only=[0])
    assert said[0] == "3 cells: 2 are there, 1 to run"
    note = json.loads((finished / "half" / "seed-1" / "fold-0.json").read_text("utf-8"))
    assert note["samples"] == 6
    changed = {"separate": {"set": {"training.epochs": 2}}}
    with pytest.raises(BundleError, match=r"these differ: training"):
        run(shop, finished, write_grid(shop, variants=changed))
    with pytest.raises(InputError, match="no fold 7"):
        run(shop, finished, write_grid(shop), only=[7])


def test_two_processes_go_on_past_a_failing_cell(shop: Path, tmp_path: Path) -> None:
    # 32 tokens cannot hold a question that lists its labels
    variants = {"tight": {"set": {"prompt.max_tokens": 32, "prompt.list_labels": True}}, "good": {}}
    grid = write_grid(shop, seeds=[1], variants=variants, curve=False)
    with pytest.raises(KdslError, match="2 of 4 cells failed") as error:
        run(shop, tmp_path, grid, jobs=2)
    assert "tight, seed 1, fold 1: ConfigError: prompt.max_tokens=32" in str(error.value)
    assert "Traceback" in (tmp_path / "tight" / "seed-1" / "fold-0.error.txt").read_text("utf-8")
    page = (tmp_path / "results.md").read_text("utf-8")
    assert "| `tight` | - | - | - | 0 of 1 |" in page
    assert "1 of 1" in page


def test_a_process_that_dies_takes_its_cell_alone() -> None:
    through = list(run_cells(die_in_a, [(name, ()) for name in "abc"], 2, logging.WARNING))
    faults = dict(through)
    assert "process died" in (faults.pop("a") or "")
    assert faults == {"b": None, "c": None}


def test_the_whole_system_runs_as_crossval_does(shop: Path, tmp_path: Path) -> None:
    run(shop, tmp_path, write_grid(shop, seeds=[1], system="whole", curve=False, variants={"all": {}}), only=[0])
    rows = read_lines(tmp_path / "all" / "seed-1" / "fold-0.jsonl")
    assert len(rows) == 12
    assert all(row["spend"]["calls"] <= 3 for row in rows)
    assert "whole system" in (tmp_path / "results.md").read_text("utf-8")
    kept = leave_out([tmp_path / "all" / "seed-1" / "scores"])  # what each expert said is there to be judged
    assert {"all", "without lexical", "large alone"} <= {subset.name for subset in kept}


def test_a_changed_snippet_is_another_grid_of_the_whole_system(shop: Path) -> None:
    grid = load_grid(write_grid(shop, system="whole", curve=False, variants={"all": {}}))
    faq = shop / "snippets" / "faq.yaml"
    before, text = ablation._settings(grid, "all", [], {}, grid.tasks), faq.read_text("utf-8")
    try:
        faq.write_text(text.replace("您好", "亲"), "utf-8")
        after = ablation._settings(grid, "all", [], {}, grid.tasks)
    finally:
        faq.write_text(text, "utf-8")
    assert {key for key in before if before[key] != after[key]} == {"snippets"}


@pytest.mark.parametrize("marked", [False, True])
def test_own_labels_make_their_task_and_what_is_out_of_scope_is_left_out(
    shop: Path, tmp_path: Path, marked: bool
) -> None:
    rows = [
        f"{text} {i},{label}" for label, text in (("rust", "does it rust"), ("refill", "when back")) for i in range(4)
    ]
    rows += ["sing a song 1,OTHER", "sing a song 2,OTHER"] if marked else []
    (tmp_path / "shop.csv").write_text(
        "\n".join(["text,label,id", *(f"{row},{n}" for n, row in enumerate(rows))]), "utf-8"
    )
    (tmp_path / "folds.json").write_text(json.dumps({str(n): n % 2 for n in range(len(rows))}), "utf-8")
    base = yaml.safe_load((shop / "base.yaml").read_text("utf-8"))
    del base["tasks"]
    if marked:
        labels = [{"name": name} for name in ("rust", "refill")]
        task = {"name": "shop", "input": "dialogue", "prompt": "?", "out_of_scope": "OTHER", "labels": labels}
        (tmp_path / "shop.yaml").write_text(yaml.safe_dump(task), "utf-8")
        base["tasks"] = ["shop.yaml"]
    base["knowledge"]["snippets"] = str(shop / "snippets")
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(base), "utf-8")
    grid = load_grid(write_grid(tmp_path, seeds=[1], curve=False, variants={"separate": {}}))
    run_ablation(grid, [tmp_path / "shop.csv"], tmp_path, None, tmp_path / "folds.json", tmp_path / "out")
    found = [row for k in (0, 1) for row in read_lines(tmp_path / "out" / "separate" / "seed-1" / f"fold-{k}.jsonl")]
    assert {(row["id"], row["task"]) for row in found} == {(str(n), "shop") for n in range(8)}


def test_the_command_prints_the_tables_and_fails_where_a_cell_failed(shop: Path, finished: Path) -> None:
    options = ["--data", "train.json", "--images", ".", "--ocr", "ocr.jsonl", "--folds", "folds.json"]
    given = [str(shop / part) if not part.startswith("--") else part for part in options]
    command = ["experiment", "ablate", "--config", str(write_grid(shop)), *given, "--out", str(finished)]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    assert result.stdout == (finished / "results.md").read_text("utf-8")
    assert CliRunner().invoke(cli, [*command, "--set", "training.epochs=3"]).exit_code != 0


def test_faults_of_a_file_are_reported_at_once(shop: Path) -> None:
    bad = {"seeds": [1, 1], "system": "big", "variants": {"a/b": {"fraction": 2}, "c": {"training": {"epochs": 1}}}}
    with pytest.raises(ConfigError) as error:
        load_grid(write_grid(shop, "bad", **bad))
    assert all(word in str(error.value) for word in ("seeds", "system", "variants.a/b.fraction", "variants.c.training"))
    wrong = {"a": {"set": {"training.epoch": 1}}, "b": {"set": {"prompt.ocr": "perhaps"}}}
    with pytest.raises(ConfigError) as error:
        load_grid(write_grid(shop, "bad", variants=wrong))
    assert "variant 'a'" in str(error.value)
    assert "did you mean 'epochs'" in str(error.value)
    assert "variant 'b'" in str(error.value)
    with pytest.raises(ConfigError, match="folders"):
        load_grid(write_grid(shop, "bad", variants={"../x": {}}))


def test_shares_are_stratified_and_lie_within_each_other() -> None:
    samples = [Sample(f"{i}", "t", (), (), "ab"[i % 4 == 0]) for i in range(40)] + [Sample("z", "t", (), (), "rare")]
    all_of = [Evidence(sample, ()) for sample in samples]
    tenth, half = (share(all_of, fraction, 3) for fraction in (0.1, 0.5))
    assert [sum(e.sample.label == label for e in tenth) for label in ("a", "b", "rare")] == [3, 1, 1]
    assert {e.sample.id for e in tenth} < {e.sample.id for e in half}
    assert share(all_of, 1.0, 3) == all_of
    assert share(all_of, 0.5, 4) != half


def test_a_learning_curve_is_drawn_as_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import kdsl.evaluation.ablation.tables as table

    drawn: list[Any] = []
    monkeypatch.setattr(table, "lines_png", lambda panels, *_: drawn.append(panels) or b"")
    samples = [Sample(str(i), "scene", (), (), "ab"[i % 2]) for i in range(4)]
    arms = [Arm(f"labels-{n}", n / 4, "{}", tmp_path / f"labels-{n}") for n in (2, 4)]
    for arm, said in zip(arms, ("abaa", "abab"), strict=True):
        cell = arm.folder / "seed-1" / "fold-0.jsonl"
        cell.parent.mkdir(parents=True)
        rows = [{"id": str(i), "task": "scene", "label": label, "probability": 0.5} for i, label in enumerate(said)]
        cell.write_text("".join(json.dumps(row) + "\n" for row in rows))
        cell.with_suffix(".json").write_text(json.dumps({"samples": 4 * arm.fraction, "seconds": None}))
    write_results(Plan(arms, [1], [0], ["scene"], samples, "large", False), tmp_path)
    assert drawn[0][""]["scene"] == {2.0: [pytest.approx((0.8 + 2 / 3) / 2)], 4.0: [1.0]}


@pytest.mark.parametrize("path", sorted(resource("configs/ablation").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_ablations_load(path: Path) -> None:
    grid = load_grid(f"configs/ablation/{path.name}")
    assert [task.name for task in grid.tasks] == ["scene", "intent"]
    assert path.read_text("utf-8").startswith("# kdsl experiment ablate --config configs/ablation/" + path.name)
    assert find_config(f"configs/ablation/{path.name}").resolve() == path.resolve()


VIEWS: dict[str, Any] = {
    "seeds": [1],
    "curve": False,
    "fraction": 0.5,
    "variants": {
        "labelled": {},
        "pseudo": {"pseudo": {"by": "labelled", "min_probability": 0.9}},
        "merged": {"merge": ["labelled", "pseudo"]},
        "all": {"fraction": 1.0},
    },
}


def test_views_learn_predicted_labels_and_are_merged(shop: Path, tmp_path: Path) -> None:
    """Against the same by hand: an adapter labels what it has not seen, another learns that, both are merged."""
    grid = write_grid(shop, "views", **VIEWS)
    assert run(shop, tmp_path / "views", grid, only=[0])[-1].startswith("4 of 4")
    config = next(iter(load_grid(grid).configs.values())).model_copy(update={"seed": 1})
    tasks = load_tasks(config)
    evidences = load_evidence([shop / "train.json"], shop, tasks, config.evidence, shop / "ocr.jsonl")
    folds = json.loads((shop / "folds.json").read_text("utf-8"))
    loaded = load_base(config.model("large"))

    def predicted(adapters: Path, which: Sequence[Evidence]) -> dict[str, dict[str, float]]:
        found = {}
        for task in tasks:
            own = [e for e in which if e.sample.task == task.name]
            with adapter_on(loaded, adapters / task.name):
                rows = np.exp(LabelScorer(loaded, task, config.prompt).score(own))
            found |= {e.sample.id: dict(zip(task.names, row, strict=True)) for e, row in zip(own, rows, strict=True)}
        return found

    test = [e for e in evidences if folds[e.sample.id] == 0]
    seen = share([e for e in evidences if folds[e.sample.id] != 0], 0.5, 1)
    rest = [e for e in evidences if folds[e.sample.id] != 0 and e not in seen]
    sure = {
        id: max(row, key=lambda name: row[name])
        for id, row in predicted(
            train_adapters(loaded, seen, tasks, config, Run(tmp_path / "labelled"))[0].parent, rest
        ).items()
        if max(row.values()) >= 0.9
    }
    assert 0 < len(sure) < len(rest)
    guessed = [replace(e, sample=replace(e.sample, label=sure[e.sample.id])) for e in rest if e.sample.id in sure]
    train_adapters(loaded, [*seen, *guessed], tasks, config, Run(tmp_path / "pseudo"))
    for task in tasks:
        parts = [tmp_path / part / "adapters" / task.name for part in ("labelled", "pseudo")]
        merge_adapters(loaded, parts, Merge(), tmp_path / "merged" / "adapters" / task.name)
    for name in ("labelled", "pseudo", "merged"):
        rows = read_lines(tmp_path / "views" / name / "seed-1" / "fold-0.jsonl")
        by_hand = predicted(tmp_path / name / "adapters", test)
        for row in rows:
            assert row["distribution"] == pytest.approx(by_hand[row["id"]], abs=1e-5)
    note = json.loads((tmp_path / "views" / "pseudo" / "seed-1" / "fold-0.json").read_text("utf-8"))
    right = sum(e.sample.label == sure.get(e.sample.id) for e in rest)
    assert (note["samples"], note["pseudo"], note["pseudo_right"]) == (len(seen), len(sure), right)
    assert (tmp_path / "views" / "pseudo" / "seed-1" / "fold-0.adapters").is_dir()
    assert not list((tmp_path / "views" / "all").rglob("*.adapters"))  # nobody needs these


def test_views_wait_for_what_they_need_and_say_when_it_failed(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned = dict(reversed(VIEWS["variants"].items()))
    with pytest.raises(ConfigError, match="'merged' needs 'labelled', which is not a variant above it"):
        load_grid(write_grid(shop, "turned", **(VIEWS | {"variants": turned})))
    for over, said in (
        ({"fraction": 1.0}, "'pseudo': pseudo needs a fraction below 1"),
        ({"curve": True}, "'pseudo': pseudo and merge need system: large, and no curve"),
        ({"system": "whole"}, "'pseudo': pseudo and merge need system: large, and no curve"),
    ):
        with pytest.raises(ConfigError, match=said):
            load_grid(write_grid(shop, "faulty", **(VIEWS | over)))
    more = VIEWS["variants"] | {"pseudo": VIEWS["variants"]["pseudo"] | {"fraction": 0.6}}
    with pytest.raises(ConfigError, match="'pseudo' and 'labelled' must have the same fraction"):
        load_grid(write_grid(shop, "faulty", **(VIEWS | {"variants": more})))

    real = cell_module.train_adapters

    def fails(*args: Any, **kwargs: Any) -> Any:
        if "labelled" in str(args[4].out):
            raise OSError("the disk is full")
        return real(*args, **kwargs)

    grid = write_grid(shop, "failing", **VIEWS)
    with monkeypatch.context() as patch:
        patch.setattr(cell_module, "train_adapters", fails)
        with pytest.raises(KdslError, match=r"(?s)3 of 4 cells failed.*labelled, seed 1, fold 0 has left no adapter"):
            run(shop, tmp_path / "out", grid, only=[0])
    said = run(shop, tmp_path / "out", grid, only=[0])
    assert said[0] == "4 cells: 1 are there, 3 to run"
    assert run(shop, tmp_path / "out", grid, only=[0])[0] == "4 cells: 4 are there, 0 to run"
    plain = VIEWS["variants"] | {"pseudo": {}}
    with pytest.raises(BundleError, match="these differ: pseudo, needs"):
        run(shop, tmp_path / "out", write_grid(shop, "plain", **(VIEWS | {"variants": plain})), only=[0])
    other = VIEWS["variants"] | {"labelled": {"set": {"training.epochs": 2}}}
    with pytest.raises(BundleError, match="labelled"):
        run(shop, tmp_path / "out", write_grid(shop, "other", **(VIEWS | {"variants": other})), only=[0])
