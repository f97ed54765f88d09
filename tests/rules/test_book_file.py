"""Changes to the file of a rule book: what they say, and that all else stays as it is written."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdsl.errors import InputError
from kdsl.resources import resource
from kdsl.rules.book import RuleBook
from kdsl.rules.book_file import BookFile
from kdsl.rules.groups import WordGroup
from kdsl.rules.literals import OcrGroup, OcrText, TurnGroup, TurnText
from kdsl.rules.rule import Origin, Rule, When
from kdsl.rules.yaml_text import CannotEdit
from kdsl.words import normalise

LABELS = ("退款", "rust", "other")
BOOK = """\
# a shop's own rules
task: toy
labels: [退款, rust, other]
bias: {退款: 0.5}   # measured

groups:
  # what customers call it
  Rust: [rust, "goes  brown"]   # add more here
  'no': [不]

rules:
# --- money ---
- id: refund   # the oldest one
  label: 退款
  when:
    all:
    - an OCR line contains 「 退款 」   # spelt by hand
    # the order page has these too
    none:
    - an OCR line contains 「结算」
    - an OCR line contains 「合计」
  weight: 2.50

# --- rust ---

# asked by Ms Li
- {id: rusty, label: rust, when: {any: [a user turn speaks of 〔rust〕]}}
-   id: brown
    label: rust
    when: {all: ["a user turn contains 「brown」"], none: [a user turn speaks of 〔no〕]}
    enabled: true
# the end
"""


@pytest.fixture
def file(tmp_path: Path) -> BookFile:
    path = tmp_path / "toy.yaml"
    path.write_bytes(BOOK.encode())
    return BookFile.load(path)


def changed_lines(file: BookFile, old: str = BOOK) -> list[str]:
    """The lines that went (-) and came (+)."""
    changes = difflib.unified_diff(old.splitlines(), file.text.splitlines(), n=0, lineterm="")
    return [line for line in changes if line[:3] not in ("---", "+++", "@@ ")]


def test_an_edited_rule_changes_its_own_lines_alone(file: BookFile) -> None:
    refund = file.book.rules[0]
    none = (*refund.when.none[:1], OcrText("实付款"))
    when = When(all=refund.when.all, none=none)
    file.replace(refund.model_copy(update={"when": when, "weight": 1.5, "origin": Origin(how="edited")}))
    assert changed_lines(file) == [
        "-    - an OCR line contains 「合计」",
        "-  weight: 2.50",
        "+    - an OCR line contains 「实付款」",
        "+  weight: 1.5",
        "+  origin:",
        "+    how: edited",
    ]


def test_rules_in_one_line_and_with_other_indents_are_edited_as_they_are_written(file: BookFile) -> None:
    for id in ("rusty", "brown"):
        rule = next(rule for rule in file.book.rules if rule.id == id)
        file.replace(rule.model_copy(update={"enabled": False}))
    assert changed_lines(file) == [
        "-- {id: rusty, label: rust, when: {any: [a user turn speaks of 〔rust〕]}}",
        "--   id: brown",
        "-    label: rust",
        '-    when: {all: ["a user turn contains 「brown」"], none: [a user turn speaks of 〔no〕]}',
        "-    enabled: true",
        "+- {id: rusty, label: rust, when: {any: [a user turn speaks of 〔rust〕]}, enabled: false}",
        "+- id: brown",
        "+  label: rust",
        '+  when: {all: ["a user turn contains 「brown」"], none: [a user turn speaks of 〔no〕]}',
        "+  enabled: false",
    ]


def test_a_removed_rule_takes_the_comment_above_it_along_and_an_added_one_stands_with_its_label(file: BookFile) -> None:
    assert file.remove("rusty").label == "rust"
    file.add(Rule(id="b", label="rust", when=When(all=(TurnText("yes"),)), weight=1))
    file.add(Rule(id="x", label="other", when=When(all=(TurnGroup(WordGroup("off", ("no", "12", "关"))),))))
    assert changed_lines(file) == [
        "+  'off':",
        "+  - 'no'",
        "+  - '12'",
        "+  - 关",
        "-# asked by Ms Li",
        "-- {id: rusty, label: rust, when: {any: [a user turn speaks of 〔rust〕]}}",
        "+- id: b",
        "+  label: rust",
        "+  when:",
        "+    all:",
        "+    - a user turn contains 「yes」",
        "+  weight: 1.0",
        "+  origin:",
        "+    how: hand",
        "+- id: x",
        "+  label: other",
        "+  when:",
        "+    all:",
        "+    - a user turn speaks of 〔off〕",
        "+  weight: 3.0",
        "+  origin:",
        "+    how: hand",
    ]


def test_words_of_groups_are_changed_for_all_rules_that_name_them(file: BookFile, make_evidence: Callable) -> None:
    assert not file.book.rules[1].fires(make_evidence(turns=(("user", "corroded"),)))
    file.set_group("RUST", ["rust", "goes brown", "corroded"])
    assert file.book.rules[1].fires(make_evidence(turns=(("user", "corroded"),)))
    assert changed_lines(file) == [
        '-  Rust: [rust, "goes  brown"]   # add more here',
        '+  Rust: [rust, "goes  brown", corroded] # add more here',
    ]
    with pytest.raises(InputError, match="group 'no' is named by these rules: brown"):
        file.remove_group("no")
    with pytest.raises(InputError, match="'rust' has no words"):
        file.set_group("rust", [])
    file.remove("brown")
    file.remove_group("no")
    assert "[不]" not in file.text


def test_what_cannot_be_is_refused_and_changes_nothing(file: BookFile) -> None:
    rule = file.book.rules[0]
    with pytest.raises(InputError, match="has a rule 'refund' already"):
        file.add(rule)
    with pytest.raises(InputError, match="no rule is called 'refnud'\\. Did you mean refund"):
        file.remove("refnud")
    with pytest.raises(InputError, match="no label is called 'rusts'\\. Did you mean rust"):
        file.replace(rule.model_copy(update={"label": "rusts"}))
    with pytest.raises(InputError, match="'rust' has two different lists"):
        file.add(Rule(id="new", label="rust", when=When(all=(OcrGroup(WordGroup("rust", ("foam",))),))))
    with pytest.raises(InputError, match="cannot take this one's place"):
        file.update(RuleBook(task="toy", labels=LABELS[:2]))
    assert file.text == BOOK


def test_a_file_that_somebody_else_changed_is_not_overwritten(file: BookFile) -> None:
    file.remove("rusty")
    file.save()
    assert RuleBook.load(file.path) == file.book
    file.remove("brown")
    file.path.write_text(BOOK, "utf-8")
    with pytest.raises(InputError, match="changed by somebody else"):
        file.save()
    assert file.path.read_text("utf-8") == BOOK


def test_a_book_in_one_line_is_not_torn_apart(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(RuleBook(task="toy", labels=LABELS).model_dump_json(), "utf-8")
    file = BookFile.load(path)
    with pytest.raises(CannotEdit, match=r"toy\.yaml: this change cannot be made .* one key per line"):
        file.add(Rule(id="a", label="rust", when=When(all=(OcrText("锈"),))))


ALIASES = """\
---
task: toy
labels: [退款, rust, other]
rules:
- id: a
  label: rust
  when: &dark
    all: [a picture is dark]
- id: b
  label: other
  when: *dark
"""


def test_a_rule_that_shares_its_condition_with_another_is_not_changed_behind_its_back(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(ALIASES, "utf-8")
    file = BookFile.load(path)
    for rule in file.book.rules:
        with pytest.raises(CannotEdit, match="cannot be made in the file as it is written"):
            file.replace(rule.model_copy(update={"when": When(all=(OcrText("锈"),))}))
    file.add(file.book.rules[0].model_copy(update={"id": "c"}))
    assert changed_lines(file, ALIASES)[:2] == ["+- id: c", "+  label: rust"]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "rules",
    ["rules: []\n", "rules:   # none yet\n", "", "rules: [{id: c, label: other, when: {all: [a picture is dark]}}]"],
)
def test_rules_are_added_to_lists_of_any_form(rules: str, ends: str, tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    head = "task: toy  # mine\nlabels:\n  - 退款\n  - rust\n  - other\n"
    path.write_bytes((head + rules).replace("\n", ends).encode())
    file = BookFile.load(path)
    file.add(Rule(id="a", label="rust", when=When(all=(OcrText("锈"),))))
    file.add(Rule(id="b", label="退款", when=When(all=(TurnGroup(WordGroup("g", ("x",))),))))
    file.save()
    assert [rule.id for rule in RuleBook.load(path).rules] == ["b", "a", *(["c"] if "id: c" in rules else [])]
    text = path.read_bytes().decode()
    assert text.startswith(head.replace("\n", ends))
    assert text.count("\n") == text.count(ends)
    assert "  - id: a" in text, "dashes stand as in the list of labels"
    for id in ("a", "b", "c"):
        if id in [rule.id for rule in file.book.rules]:
            file.remove(id)
    assert file.book.rules == ()


@pytest.mark.parametrize("name", ["scene", "intent"])
def test_a_shipped_book_without_changes_is_written_as_it_was(name: str) -> None:
    path = resource(f"rules/{name}.yaml")
    file = BookFile.load(path)
    file.update(file.book)
    assert file.text == path.read_text("utf-8")


words = st.text("ab 不是:#'\"-「", min_size=1, max_size=5).filter(lambda text: text.strip()) | st.sampled_from(
    ["no", "on", "~", "12", "1:20", "null", "- a", "2026-11-27", "=", "{a", "*b", "a #b"]
)
literals = st.builds(OcrText, words) | st.builds(TurnText, words)
rules = st.builds(
    Rule,
    id=st.sampled_from("abcdef"),
    label=st.sampled_from(LABELS),
    when=st.builds(When, all=st.lists(literals, min_size=1, max_size=3), none=st.lists(literals, max_size=2)),
    weight=st.sampled_from([0, 1e-9, 2.5, 3]),
    enabled=st.booleans(),
)
books = st.builds(
    RuleBook,
    task=st.just("toy"),
    labels=st.just(LABELS),
    bias=st.dictionaries(st.sampled_from(LABELS), st.sampled_from([-1.0, 0.25])),
    without_rules=st.dictionaries(st.sampled_from(LABELS), st.sampled_from(["no words: none", "2 samples"])),
    groups=st.dictionaries(
        st.sampled_from(["x", "no", "不"]), st.lists(words, min_size=1, max_size=2, unique_by=normalise)
    ),
    rules=st.lists(rules, max_size=5, unique_by=lambda rule: rule.id).map(tuple),
)


@given(old=books, new=books)
def test_any_book_can_be_made_of_any_other_and_comments_above_what_stays_remain(
    old: RuleBook, new: RuleBook, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "made.yaml"
    old.save(path)
    lines = path.read_text("utf-8").splitlines(keepends=True)
    noted = "".join(f"# on {line}{line}" if line.startswith("- id:") else line for line in lines)
    file = BookFile(path, noted)
    file.update(new)
    assert file.book.with_rules(sorted(file.book.rules, key=lambda rule: rule.id)) == new.with_rules(
        sorted(new.rules, key=lambda rule: rule.id)
    )
    assert RuleBook.parse(file.text, path) == file.book
    for rule in {rule.id for rule in old.rules} & {rule.id for rule in new.rules}:
        assert f"# on - id: {rule}\n" in file.text
