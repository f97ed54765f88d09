"""Cross-validation fits without the fold it predicts, and continues after a kill."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

import kdsl.evaluation.crossval as crossval
from kdsl.config import Config
from kdsl.ensemble.predict_file import read_done
from kdsl.errors import InputError
from kdsl.runs import sole_writer


class Bundle:
    """Stands for a fit; remembers what it was fitted on."""

    def __init__(self, ids: set[str], folder: Path) -> None:
        self.ids, self.folder = ids, folder


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """Replaces the fit and the predictor (tested in tests/ensemble) to see what each fold is given."""
    trained: list[set[str]] = []

    def fit(train, tasks, config, folder, models, say) -> Bundle:  # type: ignore[no-untyped-def]
        trained.append({e.sample.id for e in train})
        folder.mkdir(parents=True)
        return Bundle(trained[-1], folder)

    class Predictor:
        def __init__(self, bundle: Bundle, models: object) -> None:
            self.seen = bundle.ids
            self.tasks = {"scene": SimpleNamespace(experts=None)}

        def close(self) -> None: ...

    def predict(predictor: Predictor, evidences):  # type: ignore[no-untyped-def]
        for e in evidences:
            assert e.sample.id not in predictor.seen
            yield {"id": e.sample.id, "label": "x"}

    monkeypatch.setattr(crossval, "fit_bundle", fit)
    monkeypatch.setattr(crossval, "Predictor", Predictor)

    def keep(experts, group, bundle, out: Path) -> None:  # type: ignore[no-untyped-def]
        out.mkdir(parents=True, exist_ok=True)
        (out / "ids").write_text(" ".join(e.sample.id for e in group))

    monkeypatch.setattr(crossval, "predict_rows", predict)
    monkeypatch.setattr(crossval, "_keep_scores", keep)
    monkeypatch.setattr(crossval.Models, "load", lambda config: SimpleNamespace(fingerprints={}))
    return trained


def run(make_evidence, output: Path, only: tuple[int, ...] = (), seed: int = 17) -> None:  # type: ignore[no-untyped-def]
    evidences = [make_evidence(str(i), "x", lines=("a",)) for i in range(9)]
    folds = {str(i): i % 3 for i in range(9)}
    crossval.cross_validate(evidences, folds, [], Config(seed=seed), output, print, only)


def test_every_sample_is_predicted_once_by_a_fit_that_did_not_see_it(make_evidence, fitted, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run(make_evidence, tmp_path / "oof.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "oof.jsonl").read_text().splitlines()]
    assert sorted(line["id"] for line in lines) == [str(i) for i in range(9)]
    assert [len(ids) for ids in fitted] == [6, 6, 6]
    assert not (tmp_path / "oof.jsonl.work").exists()


def test_a_killed_run_keeps_its_lines(make_evidence, fitted, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    output = tmp_path / "oof.jsonl"
    run(make_evidence, output)
    lines = output.read_text().splitlines(keepends=True)
    output.write_text("".join(lines[:4]) + lines[4][:5])
    fitted.clear()
    run(make_evidence, output)
    assert len(fitted) == 2  # the first fold was whole
    assert read_done(output) == {str(i) for i in range(9)}
    assert len(output.read_text().splitlines()) == 9


def test_a_fold_whose_lines_are_there_has_its_scores_too(  # type: ignore[no-untyped-def]
    make_evidence, fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    whole, written = crossval.append, []

    def dies_after_the_first_fold(path: Path, line: dict[str, object]) -> None:
        whole(path, line)
        written.append(line)
        if len(written) == 3:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(crossval, "append", dies_after_the_first_fold)
        with pytest.raises(Killed):
            run(make_evidence, tmp_path / "oof.jsonl")
    run(make_evidence, tmp_path / "oof.jsonl")
    assert (tmp_path / "oof.jsonl.scores" / "fold-0" / "ids").read_text() == "0 3 6"


def test_predictions_of_other_settings_are_not_mixed(make_evidence, fitted, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run(make_evidence, tmp_path / "oof.jsonl", only=(0,))
    with pytest.raises(InputError, match="other samples, folds, settings or models"):
        run(make_evidence, tmp_path / "oof.jsonl", seed=18)
    run(make_evidence, tmp_path / "oof.jsonl")
    assert len((tmp_path / "oof.jsonl").read_text().splitlines()) == 9


def test_two_commands_do_not_write_one_output(make_evidence, fitted, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with sole_writer(tmp_path / "oof.jsonl"), pytest.raises(InputError, match="another kdsl command is writing there"):
        run(make_evidence, tmp_path / "oof.jsonl")
    run(make_evidence, tmp_path / "oof.jsonl")


def test_single_folds_can_run_elsewhere(make_evidence, fitted, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run(make_evidence, tmp_path / "one.jsonl", only=(1,))
    assert read_done(tmp_path / "one.jsonl") == {"1", "4", "7"}
    with pytest.raises(InputError, match="no fold 7; folds are 0, 1, 2"):
        run(make_evidence, tmp_path / "two.jsonl", only=(7,))
