"""A fitted bundle gets model cards, stays a valid bundle, and one of its tasks can be exported."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from kdsl.cli.main import cli
from kdsl.ensemble.bundle import Bundle, open_bundle
from kdsl.export.card import write_cards


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
