from __future__ import annotations

from pathlib import Path

import pytest

from kdsl.errors import ConfigError
from kdsl.tasks import load_task


def saved(tmp_path: Path, *names: str) -> Path:
    lines = [f"  - {{name: {name}, zh: 甲, en: a}}" for name in names]
    path = tmp_path / "task.yaml"
    path.write_text("\n".join(["name: x", "input: dialogue", "prompt: 意图？", "labels:", *lines]), "utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("yes", "true or false"),
        ("No", "true or false"),
        ("on", "true or false"),
        ("true", "true or false"),
        ("1.0", "a number"),
        ("1e5", "text"),
        ("12", "a number"),
        ("0x1F", "a number"),
        ("2024-01-01", "a date"),
    ],
)
def test_a_label_that_yaml_takes_for_something_else_is_shown_with_what_to_do(tmp_path: Path, name: str, kind: str):
    if kind == "text":
        assert load_task(saved(tmp_path, name, "other")).names == (name, "other")
        return
    with pytest.raises(ConfigError) as caught:
        load_task(saved(tmp_path, name, "other"))
    (fault,) = str(caught.value).splitlines()[1:]
    assert "labels.0.name" in fault
    assert f'YAML reads {name} as {kind}; put it in quotes: name: "{name}"' in fault


def test_each_label_has_its_own_fault_and_there_is_no_other(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        load_task(saved(tmp_path, "yes", "no", "null", "退款"))
    faults = str(caught.value).splitlines()[1:]
    assert [fault.split(":")[0].strip("- ") for fault in faults] == [f"labels.{n}.name" for n in range(3)]
    assert "is empty" in faults[2]


def test_names_in_quotes_are_taken_as_they_are(tmp_path: Path):
    assert load_task(saved(tmp_path, '"yes"', "'1.0'", '"2024-01-01"')).names == ("yes", "1.0", "2024-01-01")


def test_speakers_of_a_task_file(tmp_path: Path):
    path = saved(tmp_path, "甲", "乙")
    path.write_text(path.read_text("utf-8") + "\nspeakers: {user: [亲], agent: [掌柜, 12]}\n", "utf-8")
    speakers = load_task(path).speakers
    assert (speakers.user, speakers.agent) == (("亲",), ("掌柜", "12"))
    path.write_text(path.read_text("utf-8").replace("agent:", "shop:"), "utf-8")
    with pytest.raises(ConfigError, match=r"speakers\.shop"):
        load_task(path)


def test_one_description_in_any_language_or_none_is_enough(tmp_path: Path):
    path = saved(tmp_path, "甲", "乙")
    path.write_text(
        "name: x\ninput: dialogue\nprompt: Welches?\nlabels:\n"
        "  - {name: a, description: ein Wort}\n  - {name: b, description: }\n  - {name: c, zh: 词, en: word}\n",
        "utf-8",
    )
    assert [label.descriptions for label in load_task(path).labels] == [("ein Wort",), (), ("词", "word")]


def test_what_says_that_no_label_fits_is_no_label_itself(tmp_path: Path):
    path = saved(tmp_path, "退款", "退货")
    text = path.read_text("utf-8")
    path.write_text(f"{text}\nout_of_scope: other", "utf-8")
    assert load_task(path).out_of_scope == "other"
    path.write_text(f"{text}\nout_of_scope: 退款", "utf-8")
    with pytest.raises(ConfigError, match="'退款' stands among the labels too"):
        load_task(path)
