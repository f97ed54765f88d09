"""A fitted bundle gets model cards, stays a valid bundle, and one of its tasks can be exported."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from kdsl.cli.main import cli
from kdsl.config import Config
from kdsl.data.source import DataSource
from kdsl.ensemble.bundle import Bundle, open_bundle
from kdsl.ensemble.fit import fit_bundle
from kdsl.evidence.types import Evidence
from kdsl.export.card import write_cards
from kdsl.export.source import comparison_samples, from_bundle
from kdsl.models.roles import Models
from kdsl.tasks import Task


def test_cards_and_export_of_a_fitted_bundle(bundle: Bundle, tmp_path: Path) -> None:
    write_cards(bundle)
    for task in bundle.tasks:
        text = (bundle.adapter(task) / "README.md").read_text("utf-8")
        assert f"12 samples of {task.name}" in text
        assert "| adapter alone, label scores |" in text
    assert not open_bundle(bundle.folder).edited
    given = ["adapters", "export", "--bundle", str(bundle.folder), "--task", "ask", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(cli, given)
    assert result.exit_code == 0, result.output
    assert "Measured on 12 samples" in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_an_export_compares_on_a_file_as_the_fit_read_it(
    samples: list[Evidence], tasks: list[Task], config: Config, models: Models, tmp_path: Path
) -> None:
    asks = [e for e in samples if e.sample.task == "ask"]
    table = tmp_path / "table.csv"
    table.write_text("咨询原话,text\n会不会生锈呀,甲\n几时补货呢,乙\n", "utf-8")
    source = DataSource([table], columns={"text": "咨询原话"})
    folder = fit_bundle(asks, tasks, config, tmp_path / "bundle", models, source=source).folder

    given = ["adapters", "export", "--bundle", str(folder), "--task", "ask", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(cli, [*given, "--data", str(table)])
    assert result.exit_code == 0, result.output
    assert "of 2 prompts" in result.stderr
    compared = comparison_samples(from_bundle(folder, "ask"), table, Path(), None)
    assert [evidence.sample.turns[-1].text for evidence in compared] == ["会不会生锈呀", "几时补货呢"]
    known = tmp_path / "known.csv"  # of another origin: by the names that kdsl knows
    known.write_text("text\n有气泡\n", "utf-8")
    (one,) = comparison_samples(from_bundle(folder, "ask"), known, Path(), None)
    assert one.sample.turns[-1].text == "有气泡"
