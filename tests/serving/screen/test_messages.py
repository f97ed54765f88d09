"""The words of the screen: each in both languages, each used, with the same values in both."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from kdsl.corrections.comparison import ALL, CORRECTED, OTHERS, Verdict
from kdsl.corrections.uncertain import ORDER
from kdsl.errors import ConfigError
from kdsl.rules.grammar import GRAMMAR, parse
from kdsl.rules.groups import WordGroup
from kdsl.rules.listing import How, SortKey
from kdsl.rules.rule import When
from kdsl.serving.refits import State
from kdsl.serving.screen.languages import FILE, LANGUAGES, messages
from kdsl.serving.screen.navigation import NAVIGATION
from kdsl.serving.screen.rule_words import in_words

TEMPLATES = Path(FILE).with_name("templates")
BUILT = {
    *(f"origin_{name}" for name in get_args(How)),
    *(f"sort_{name}" for name in get_args(SortKey)),
    *(f"language_{name}" for name in LANGUAGES),
    *("role_user", "role_agent", "part_when", "part_any", "part_none", "right_samples", "wrong_samples"),
    *("mends", "breaks", "disable_rule", "enable_rule"),
    *("effect_on_book", "effect_on_bundle", "no_effect", "no_labelled"),
    *(f"why_{why}" for why in ORDER),
    *(f"refit_{state}" for state in get_args(State)),
    *(f"refit_verdict_{verdict.replace(' ', '_')}" for verdict in get_args(Verdict)),
    *(f"refit_of_{group.replace(' ', '_')}" for group in (ALL, OTHERS, CORRECTED)),
    *("refit_go_on", "refit_start"),
    *(entry.name for entry in NAVIGATION),
}
"""Keys that templates put together, or choose from."""


def test_templates_use_the_messages_that_there_are() -> None:
    text = "".join(file.read_text("utf-8") for file in TEMPLATES.glob("*.j2"))
    used = set(re.findall(r"""\bt\(["'](\w+)["'](?=[,)])""", text))
    assert used | BUILT == set(messages())


@pytest.mark.parametrize("key", messages())
def test_languages_take_the_same_values(key: str) -> None:
    fields = [{name for _, name, _, _ in Formatter().parse(messages()[key][one])} - {None} for one in LANGUAGES]
    assert fields[0] == fields[1]


def test_a_message_that_lacks_a_language_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "messages.yaml").write_text("title: {en: kdsl}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"'title' needs a text in each of: en, zh"):
        messages(tmp_path / "messages.yaml")


@pytest.mark.parametrize("line", GRAMMAR)
def test_every_form_of_literals_has_chinese_words(line: str) -> None:
    literal = parse(line.replace("…", "生锈"), {"生锈": WordGroup("生锈", ("生锈",))})
    when = When(all=(literal,), none=(parse("there are at least 12 OCR lines"),))
    said = in_words("zh", when)
    assert said.endswith("，且并非至少有 12 行图中文字")
    assert not re.search(r"[A-Za-z]", said.replace("OCR", "")), said
    assert in_words("en", when) == str(when)


def test_alternatives_are_joined_in_chinese() -> None:
    when = When(any=(parse("a picture is dark"), parse("a picture is a photo")))
    assert in_words("zh", when) == "（某张图片偏暗 或 某张图片是照片）"
