"""Every shipped YAML is valid, and faults of a config are reported together."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kdsl.config_file import find_config, load_config, load_tasks
from kdsl.errors import ConfigError
from kdsl.resources import resource

RUNS = sorted(resource("configs").glob("*.yaml"))


@pytest.mark.parametrize("path", RUNS, ids=lambda p: p.name)
def test_shipped_configs_load_with_their_tasks(path: Path) -> None:
    config = load_config(path)
    assert {task.input for task in load_tasks(config)} == {"picture", "dialogue"}
    assert path.read_text("utf-8").startswith("# kdsl "), "the first comment is the command that uses it"


def test_extends_merges_sections_and_set_comes_last(tmp_path: Path) -> None:
    base = str(find_config("configs/nano.yaml"))
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({"extends": base, "training": {"lora_r": 4, "epochs": 2}}))
    config = load_config(file, ["training.epochs=0.5", "seed=3"])
    assert (config.training.lora_r, config.training.epochs, config.seed) == (4, 0.5, 3)
    assert Path(config.tasks[0]).is_file()


def test_a_setting_begins_a_section_that_is_null(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({"extends": str(find_config("configs/nano.yaml")), "small": None}))
    assert load_config(file).small is None
    small = load_config(file, ["small.source=kdsl-nano", "small.tasks=[scene]"]).small
    assert small is not None
    assert (small.source, small.tasks) == ("kdsl-nano", ("scene",))
    with pytest.raises(ConfigError, match="'seed' is a value, not a section"):
        load_config(file, ["seed.first=3"])


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("training: {lora_rr: 4, epochs: -1, search: {rank: [4]}}\nensemble: {budget: {max_calls: 0}}\n")
    with pytest.raises(ConfigError) as error:
        load_config(file, ["nonsense", "seed={"])
    message = str(error.value)
    assert "6 fault(s)" in message
    assert "training.search.rank: no such setting; did you mean 'ranks'" in message
    assert "override 'seed={': the value is not YAML" in message
    assert "did you mean 'lora_r'" in message
    assert "training.epochs" in message
    assert "max_calls" in message
    assert "expected key.path=value" in message


@pytest.mark.parametrize("content", ["- a\n- b\n", "a: [\n", "extends: bad.yaml\n"])
def test_broken_files_say_so(tmp_path: Path, content: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        load_config(file)


def test_a_missing_config_lists_what_ships() -> None:
    with pytest.raises(ConfigError, match=r"configs/nano\.yaml"):
        load_config("configs/nanoo.yaml")


def test_a_config_that_says_nothing_uses_what_ships(tmp_path: Path) -> None:
    file = tmp_path / "empty.yaml"
    file.write_text("seed: 3\n")
    config = load_config(file)
    assert [task.name for task in load_tasks(config)] == ["scene", "intent"]
    assert (Path(config.knowledge.snippets) / "intent-rust.yaml").is_file()
