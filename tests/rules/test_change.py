"""Changes of a rule book by commands: their effect, the file, its history, and the way back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from kdsl.cli.main import cli
from kdsl.errors import ConfigError, InputError, KdslError
from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook, shipped_books
from kdsl.rules.collection import Rules
from kdsl.rules.effect import Moved, f1_difference
from kdsl.rules.history import History
from kdsl.scores import weighted_f1

BOOK = """\
# our shop's rules, kept by Li
task: ask
labels: [RUST, 退款, PARCEL]
groups:
  rust: [rust, 锈]   # what customers call it
rules:
# asked every day
- id: rust
  label: RUST
  when: {all: [a user turn speaks of 〔rust〕]}
  weight: 2.0   # more than a parcel
- id: m1-1
  label: 退款
  when:
    any:
    - a user turn contains 「退钱」
    - a user turn contains 「退」   # too short?
  stats: {support: 4, precision: 0.75, interval95: [0.3, 0.95], recall: 0.5, conflicts: 1}
  origin: {how: mined, seed: 17}
- id: parcel
  label: PARCEL
  when: {all: [a user turn contains the word 「parcel」]}
"""
SAID = {
    "a": ("RUST", "will it rust?"),
    "b": ("RUST", "brown spots after a week"),
    "c": ("退款", "什么时候退钱"),
    "d": ("PARCEL", "退件 where is my parcel"),
    "e": ("PARCEL", "包裹退回了吗"),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ask.yaml"
    path.write_text(BOOK, "utf-8")
    return path


@pytest.fixture
def samples(make_evidence: Callable[..., Evidence]) -> list[Evidence]:
    return [make_evidence(id, label, turns=(("user", text),), task="ask") for id, (label, text) in SAID.items()]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that only one of two texts has."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


def test_an_edit_changes_one_rule_and_keeps_the_rest_of_the_file(file: Path, samples: list[Evidence]) -> None:
    change = Rules.open(file).edit(
        "m1-1",
        none=['an agent turn contains "parcel"'],
        drop=["a user turn contains 「退」"],
        reason="太短",
        evidences=samples,
    )
    assert file.read_text("utf-8") == BOOK, "nothing is written before it is saved"
    change.save()
    gone, new = changed_lines(BOOK, file.read_text("utf-8"))
    assert [line.strip().partition("   #")[0] for line in gone] == [
        "- a user turn contains 「退」",
        "stats: {support: 4, precision: 0.75, interval95: [0.3, 0.95], recall: 0.5, conflicts: 1}",
        "origin: {how: mined, seed: 17}",
    ]
    assert "- an agent turn contains 「parcel」" in [line.strip() for line in new]
    assert all(comment in file.read_text("utf-8") for comment in ("kept by Li", "what customers call it", "every day"))
    edited = RuleBook.load(file).rules[1]
    assert (edited.id, edited.origin.how, edited.origin.seed, edited.stats) == ("m1-1", "edited", 17, None)
    first, second = History(file).versions
    assert (first.command, first.text, first.before) == ("found", BOOK, {})
    assert (second.command, second.reason) == ("edit", "太短")
    assert list(second.before) == list(second.after) == ["m1-1"]
    assert second.before["m1-1"]["origin"] == {"how": "mined", "seed": 17}


def test_the_effect_is_that_of_the_two_books(file: Path, samples: list[Evidence]) -> None:
    rules = Rules.open(file)
    (effect,) = rules.edit("m1-1", drop=["a user turn contains 「退」"], evidences=samples).effects
    assert (effect.of, effect.n) == ("the book alone", 5)
    assert effect.mended == (Moved("d", "PARCEL", "退款", "PARCEL", "退件 where is my parcel"),)
    assert effect.broken == ()
    assert (effect.f1_before, effect.f1_after) == pytest.approx(
        [
            rules.test(samples)["ask"].f1,
            weighted_f1(["RUST", "RUST", "退款", "PARCEL", "PARCEL"], ["RUST", "", "退款", "PARCEL", ""]),
        ]
    )
    assert effect.difference == effect.f1_after - effect.f1_before > 0
    assert effect.interval95[0] <= effect.difference <= effect.interval95[1]
    (worse,) = rules.disable("rust", evidences=samples).effects
    assert [(one.id, one.after) for one in worse.broken] == [("a", "")]
    (same,) = rules.edit("rust", weight=2.5, evidences=samples).effects
    assert (same.difference, same.interval95, same.mended, same.broken) == (0, (0, 0), (), ())
    assert rules.disable("rust").effects == ()


def test_f1_and_its_interval_are_right() -> None:
    rng = np.random.default_rng(0)
    gold = rng.choice(["a", "b", "c"], 80).astype(object)
    before = np.where(rng.random(80) < 0.5, gold, "b").astype(object)
    after = np.where(rng.random(80) < 0.7, gold, "").astype(object)
    (f1_before, f1_after), (low, high) = f1_difference(gold, before, after)
    assert (f1_before, f1_after) == pytest.approx((weighted_f1(gold, before), weighted_f1(gold, after)))
    drawn = []
    for _ in range(400):
        rows = rng.integers(0, 80, 80)
        drawn.append(weighted_f1(gold[rows], after[rows]) - weighted_f1(gold[rows], before[rows]))
    assert (low, high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.05)
    assert f1_difference(gold, before, after)[1] == (low, high)


def test_rules_are_added_disabled_and_enabled(file: Path) -> None:
    rules = Rules.open(file)
    rules.add("RUST", when=['a user turn speaks of "rust"'], any=["a user turn contains 「水」"], weight=1.5).save()
    rules.add("退款", when=["a user turn contains 「赔」"], id="pay").save()
    rules.disable("rust", reason="too broad").save()
    by_id = {rule.id: rule for rule in RuleBook.load(file).rules}
    assert str(by_id["hand-1"].when) == "a user turn speaks of 〔rust〕 and a user turn contains 「水」"
    assert (by_id["hand-1"].weight, by_id["hand-1"].origin.how, by_id["pay"].weight) == (1.5, "hand", 3.0)
    assert (by_id["rust"].enabled, by_id["rust"].origin.how) == (False, "edited")
    assert rules["ask"] == RuleBook.load(file), "the collection has what it saved"
    rules.enable("rust").save()
    assert RuleBook.load(file).rules == tuple(rules["ask"].rules)
    assert all(rule.enabled for rule in rules["ask"].rules)
    assert [version.command for version in rules.history()] == ["found", "add", "add", "disable", "enable"]


def test_words_of_a_group_are_changed(file: Path, samples: list[Evidence]) -> None:
    change = Rules.open(file).group(
        "Rust", add=["brown  spots", "rust"], drop=["锈"], reason="中文少", evidences=samples
    )
    assert [one.id for one in change.effects[0].mended] == ["b"]
    change.save()
    gone, new = changed_lines(BOOK, file.read_text("utf-8"))
    assert len(gone) == len(new) == 1
    assert "[rust, brown spots] # what customers call it" in new[0]
    last = History(file).versions[-1]
    assert (last.before, last.after) == ({"〔rust〕": ["rust", "锈"]}, {"〔rust〕": ["rust", "brown spots"]})
    Rules.open(file).group("refund", add=["退钱"]).save()
    assert RuleBook.load(file).groups["refund"] == ("退钱",)
    Rules.open(file).undo(0).save()
    assert file.read_text("utf-8") == BOOK


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda r: r.add("RUSTY", when=["a user turn contains 「a」"]), "Did you mean RUST?"),
        (lambda r: r.add("RUST", none=["a user turn contains 「a」"]), "'none' alone fires on almost anything"),
        (lambda r: r.add("RUST", when=["a user turn says 「a」"]), "is not a literal"),
        (lambda r: r.add("RUST", when=["a user turn speaks of 〔rot〕"]), "no group is called 'rot'"),
        (lambda r: r.add("RUST", when=["a user turn speaks of 〔rust〕"]), "rule 'rust' says the same"),
        (lambda r: r.add("RUST", when=["a user turn contains 「a」"], id="parcel"), "there is a rule 'parcel' already"),
        (lambda r: r.add("RUST", when=["a user turn contains 「a」"], id="Bad id"), "id: "),
        (lambda r: r.add("RUST", when=["a user turn contains 「a」"], weight=-1), "weight: "),
        (lambda r: r.edit("rust", weight=2.0), "nothing of rule 'rust' would change"),
        (lambda r: r.edit("rust", drop=["a user turn contains 「b」"]), "rule 'rust' has no literal"),
        (lambda r: r.edit("rust", drop=["a user turn speaks of 〔rust〕"]), "'none' alone"),
        (lambda r: r.edit("m1-1", any=["a user turn contains 「退」"]), "under 'any' already"),
        (lambda r: r.enable("rust"), "is enabled already"),
        (
            lambda r: r.add("退款", any=["a user turn contains 「退」", "a user turn contains 「退钱」"]),
            "rule 'm1-1' says the same already",
        ),
        (lambda r: r.add("X", when=["a user turn contains 「a」"]), "There are: RUST, 退款, PARCEL"),
        (lambda r: r.group("rust", drop=["rusty"]), "group 'rust' has no word 'rusty'. Did you mean rust?"),
        (lambda r: r.group("rust", add=["RUST"]), "nothing of group 'rust' would change"),
        (lambda r: r.group("rust", drop=["rust", "锈"]), "no words"),
        (lambda r: r.undo(), "there is no change of ask.yaml to undo"),
        (lambda r: r.undo(3), "there is no version 3"),
    ],
)
def test_what_cannot_be_done_is_said(file: Path, change: Callable[[Rules], object], fault: str) -> None:
    with pytest.raises(Exception, match="(?s)" + fault) as error:
        change(Rules.open(file))
    assert type(error.value).__name__ in ("InputError", "ConfigError")
    assert file.read_text("utf-8") == BOOK


def test_undo_restores_the_file_byte_for_byte(file: Path) -> None:
    rules = Rules.open(file)
    texts = [file.read_bytes()]
    for weight in (4.0, 5.0):
        rules.edit("rust", weight=weight).save()
        texts.append(file.read_bytes())
    rules.undo(reason="no").save()
    assert file.read_bytes() == texts[1]
    rules.undo().save()
    assert file.read_bytes() == texts[0]
    with pytest.raises(InputError, match="no change"):
        rules.undo()
    rules.undo(2).save()  # an undo is a change, which can be undone
    assert file.read_bytes() == texts[2]
    assert [(v.command, v.to) for v in rules.history()] == [
        ("found", None), ("edit", None), ("edit", None), ("undo", 1), ("undo", 0), ("undo", 2),
    ]  # fmt: skip
    rules.disable("parcel").save()
    rules.undo().save()
    assert file.read_bytes() == texts[2]


def test_an_edit_by_hand_is_noticed_and_kept(file: Path) -> None:
    Rules.open(file).edit("rust", weight=4.0).save()
    by_command = file.read_text("utf-8")
    by_hand = by_command.replace("too short?", "far too short").replace("weight: 4.0", "weight: 1.0")
    file.write_text(by_hand, "utf-8")
    with pytest.raises(InputError, match=r"(?s)changed by an editor.*weight: 4.*weight: 1\.0.*`hand_edits`"):
        Rules.open(file).undo()
    Rules.open(file).disable("parcel").save()
    assert "far too short" in file.read_text("utf-8")
    hand = History(file).versions[2]
    assert (hand.command, hand.text, list(hand.after)) == ("outside", by_hand, ["rust"])
    Rules.open(file).undo().save()
    assert file.read_text("utf-8") == by_hand
    file.write_text(by_hand.replace("weight: 1.0", "weight: 7.0"), "utf-8")
    Rules.open(file).undo(hand_edits=True).save()
    assert file.read_text("utf-8") == by_hand
    assert "weight: 7.0" in History(file).versions[-2].text


@pytest.mark.parametrize(
    "broken", ["task: ask\nrules: [", "", "- a\n", "task: ask\nlabels: [A]\nrules:\n- {id: a, label: B}\n", "\t\0"]
)
def test_a_book_that_an_editor_left_with_faults_is_mended_by_undo(broken: str, file: Path) -> None:
    Rules.open(file).edit("rust", weight=4.0).save()
    good = file.read_text("utf-8")
    file.write_text(broken, "utf-8")
    for command in ("list", "lint"):
        assert isinstance(run("rules", command, "--book", file).exception, ConfigError)
    refused = run("rules", "undo", "--book", file, "--yes")
    assert isinstance(refused.exception, InputError)
    assert "Give --hand-edits" in str(refused.exception)
    assert file.read_text("utf-8") == broken
    shown = run("rules", "undo", "--book", file, "--hand-edits")
    assert shown.exit_code == 0, shown.exception
    assert "the book has faults as it is" in shown.output
    assert file.read_text("utf-8") == broken
    done = run("rules", "undo", "--book", file, "--hand-edits", "--yes", "--format", "json")
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout)["difference"]["added"]
    assert file.read_text("utf-8") == good
    versions = History(file).versions
    assert [version.command for version in versions] == ["found", "edit", "outside", "undo"]
    assert versions[2].text == broken  # what somebody wrote is not lost
    with pytest.raises(ConfigError, match="in version 2 of its history"):
        Rules.open(file).undo(2)
    assert Rules.open(file)["ask"].rules
    Rules.open(file).undo().save()
    assert file.read_text("utf-8") == BOOK


def test_a_book_with_faults_and_without_a_history_is_told(file: Path) -> None:
    file.write_text("rules: [", "utf-8")
    for words in (("undo", "--hand-edits"), ("list",)):
        assert isinstance(run("rules", *words, "--book", file).exception, ConfigError)


def test_a_file_that_changes_before_it_is_saved_is_not_overwritten(file: Path) -> None:
    change = Rules.open(file).edit("rust", weight=4.0)
    file.write_text(BOOK + "# a word\n", "utf-8")
    with pytest.raises(InputError, match="changed by somebody else"):
        change.save()
    assert file.read_text("utf-8") == BOOK + "# a word\n"


def test_a_change_that_comes_too_late_leaves_no_trace_in_the_history(file: Path) -> None:
    early, late = Rules.open(file).edit("rust", weight=4.0), Rules.open(file).disable("parcel")
    early.save()
    with pytest.raises(InputError, match="changed by somebody else"):
        late.save()
    assert [version.command for version in History(file).versions] == ["found", "edit"]
    Rules.open(file).undo().save()
    assert file.read_text("utf-8") == BOOK


def test_half_a_character_in_a_reason_costs_no_version(file: Path) -> None:
    Rules.open(file).disable("parcel", reason="why \udcff").save()  # as Python reads an argument that is not UTF-8
    (_, version) = History(file).versions
    assert (version.command, version.reason) == ("disable", "why ?")


def test_plain_quotes_within_a_quoted_text_are_part_of_it(file: Path) -> None:
    lines = ('a user turn contains 「a "big" one」', 'a user turn speaks of "rust"', 'a user turn contains "「"')
    made = Rules.open(file).add("RUST", when=lines).difference.added[0]
    printed = [str(literal) for literal in made.when.all]
    assert printed == [
        'a user turn contains 「a"big"one」', "a user turn speaks of 〔rust〕", "a user turn contains 「「」"
    ]  # fmt: skip
    Rules.open(file).add("RUST", when=lines, id="big").save()
    dropped = Rules.open(file).edit("big", drop=printed[:1]).difference.changed[0]
    assert dropped.changes[-1].removed == (printed[0],)


def test_curly_quotes_of_chinese_keyboards_are_quotes(file: Path) -> None:
    lines = ("a user turn contains “生锈”", "a user turn speaks of “rust”", "a user turn contains ”水”")
    made = Rules.open(file).add("RUST", when=lines).difference.added[0]
    printed = [str(literal) for literal in made.when.all]
    assert printed == ["a user turn contains 「生锈」", "a user turn speaks of 〔rust〕", "a user turn contains 「水」"]
    kept = Rules.open(file).add("RUST", when=['a user turn contains "说“好”"']).difference.added[0]
    assert [str(literal) for literal in kept.when.all] == ["a user turn contains 「说“好”」"]


def test_a_line_that_a_kill_cut_off_is_passed_over(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    Rules.open(file).edit("rust", weight=4.0).save()
    path = History(file).path
    path.write_bytes(path.read_bytes()[:-20])
    assert [version.number for version in History(file).versions] == [0]
    assert "is no version of a rule book" in caplog.text
    Rules.open(file).edit("rust", weight=5.0).save()
    assert [version.command for version in History(file).versions] == ["found", "outside", "edit"]


def test_commands_show_the_effect_and_save_if_told_to(file: Path, tmp_path: Path) -> None:
    data = tmp_path / "asked.csv"
    data.write_text(
        "id,text,label\n" + "".join(f"{id},{text},{label}\n" for id, (label, text) in SAID.items()), "utf-8"
    )
    edit = ("rules", "edit", "m1-1", "--book", file, "--drop", 'a user turn contains "退"', "--data", data)
    shown = run(*edit)
    assert shown.exit_code == 0, shown.exception
    assert "    - any: a user turn contains 「退」" in shown.output
    assert "mends 1\n    d  PARCEL: 退款 -> PARCEL  退件 where is my parcel\n" in shown.output
    assert "F1 of the book alone on 5 samples: 0.367 -> 0.733, +0.367 [" in shown.output
    assert shown.output.endswith("nothing was saved (--yes saves)\n")
    assert file.read_text("utf-8") == BOOK
    saved = json.loads(run(*edit, "--yes", "--format", "json", "--reason", "too short").output)
    assert (saved["saved"], [one["id"] for one in saved["effects"][0]["mended"]]) == (True, ["d"])
    assert "effect not measured" in run("rules", "disable", "rust", "--book", file).output
    listed = run("rules", "history", "--book", file).output
    assert "edit: too short" in listed
    assert "~ m1-1" in listed
    assert run("rules", "undo", "--book", file, "--yes").exit_code == 0
    assert file.read_text("utf-8") == BOOK
    versions = json.loads(run("rules", "history", "--book", file, "--format", "json").output)
    assert [one["command"] for one in versions] == ["found", "edit", "undo"]


def test_shipped_books_are_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = run("rules", "disable", "scene/cart-checkout", "--yes").exception
    assert isinstance(error, InputError)
    shipped = shipped_books()["scene"]
    assert f"cp {shipped} scene.yaml" in str(error)
    (tmp_path / "link.yaml").symlink_to(shipped)
    monkeypatch.chdir(shipped.parent)
    for name in (tmp_path / "link.yaml", Path("scene.yaml")):  # whatever it is called
        with pytest.raises(InputError, match="part of the package"):
            Rules.open(name).disable("cart-checkout")


def test_lines_and_versions_of_a_history_that_are_no_good_stop_no_change(file: Path) -> None:
    beside = file.with_name("ask.history.jsonl")
    faulty = {"number": 7, "time": "", "command": "edit", "reason": "", "before": {}, "after": {}, "text": "task: ["}
    odd = {**faulty, "number": "x", "text": 5}
    beside.write_text("".join(json.dumps(one) + "\n" for one in (odd, None, [1], faulty)), "utf-8")
    assert [version.number for version in History(file).versions] == [7]
    rules = Rules.open(book=file)
    assert rules.disable("parcel").save().number == 9  # after the file as it was, which no version said
    assert set(History(file).versions[1].after) == {"rust", "m1-1", "parcel", "〔rust〕"}
    with pytest.raises(KdslError, match="version 7 of its history"):
        rules.undo(7)


def test_one_text_is_not_taken_for_a_list_of_characters(file: Path) -> None:
    rules = Rules.open(book=str(file))
    for change in (
        lambda: rules.group("rust", add="spots"),  # type: ignore[arg-type]
        lambda: rules.add("RUST", when="a user turn contains 「spots」"),
        lambda: rules.edit("rust", drop="a user turn speaks of 〔rust〕"),
    ):
        with pytest.raises(InputError, match="expected a list of texts, found one text"):
            change()


def test_a_history_is_as_private_as_its_book_and_beside_it(file: Path) -> None:
    file.chmod(0o600)
    link = file.with_name("link.yaml")
    link.symlink_to(file.name)
    Rules.open(book=link).disable("parcel").save()
    assert [version.command for version in Rules.open(book=file).history()] == ["found", "disable"]
    beside = file.with_name("ask.history.jsonl")
    assert [path.stat().st_mode & 0o777 for path in (file, beside)] == [0o600, 0o600]
