"""`kdsl rules`: what a person does with rule books. No torch is needed, but where a bundle's models are asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kdsl.cli.options import FILE, noun, out_option
from kdsl.cli.rule_options import (
    format_option,
    print_found,
    then_saved,
    with_book,
    with_book_and_samples,
    with_literals,
)

if TYPE_CHECKING:
    from kdsl.evidence.types import Evidence
    from kdsl.rules.change import Change
    from kdsl.rules.collection import Rules
    from kdsl.rules.export import Style


@noun("list")
def rules() -> None:
    """List, explain, test and change rules."""


@rules.command(name="list")
@with_book
@click.option("--label", help="Rules for this label only.")
@click.option("--origin", type=click.Choice(["mined", "hand", "edited"]), help="Rules that were made so only.")
@click.option("--min-precision", default=0.0, help="Rules whose precision is known to be at least this.")
@click.option("--min-support", default=0, help="Rules whose support is known to be at least this.")
@click.option(
    "--sort", type=click.Choice(["id", "label", "precision", "support", "weight"]), help="[default: as in the file]"
)
@format_option
def list_command(rules: Rules, style: str, **chosen: Any) -> None:
    """List rules: id, label, weight, what is known of them, and their condition.

    \b
    examples:
      kdsl rules --label 购物车页面
      kdsl rules list --bundle runs/shop --task intent --sort precision
    """
    import sys

    from kdsl.rules.show import list_lines, list_table, silent_lines

    entries = rules.list(**chosen)
    shown = list_table(entries) if entries and sys.stdout.isatty() else list_lines(entries)
    silent = silent_lines(rules.values(), chosen["label"])
    none = [] if entries or silent else [f"{', '.join(rules)}: no rules found"]
    print_found(style, entries, shown, silent + none)


@rules.command()
@click.argument("rule_id", metavar="ID")
@with_book_and_samples(required=False)
@format_option
def show(rules: Rules, evidences: list[Evidence], rule_id: str, style: str) -> None:
    """Show all there is to know of the rule ID (or TASK/ID); with --data, the samples it gets right and wrong.

    \b
    examples:
      kdsl rules show scene/cart-checkout
      kdsl rules show m-1a2b3c4d --bundle runs/shop --data train.json --images images
    """
    from kdsl.rules.show import rule_lines, sample_lines

    entry, samples = rules.show(rule_id, evidences)
    value = entry.to_json() | ({"samples": samples.to_json()} if samples else {})
    print_found(style, value, rule_lines(entry), sample_lines(samples) if samples else [])


@rules.command()
@click.argument("sample", metavar="SAMPLE")
@with_book_and_samples(required=False)
@format_option
def explain(rules: Rules, evidences: list[Evidence], sample: str, style: str) -> None:
    """Say which rules fire on SAMPLE, which nearly do, and on what literal they failed.

    SAMPLE is an id in --data, or else what a user says.

    \b
    examples:
      kdsl rules explain "这个锅用久了会生锈吗"
      kdsl rules explain s-17 --book mine.yaml --data test.json --images images
    """
    from kdsl.rules.read_data import said, with_id
    from kdsl.rules.show import explanation_lines

    asked = [with_id(evidences, sample)] if evidences else said(sample, rules.values())
    found = [rules.explain(evidence) for evidence in asked]
    print_found(style, found, *map(explanation_lines, found))


@rules.command()
@with_book_and_samples(required=True)
@format_option
def test(rules: Rules, evidences: list[Evidence], style: str) -> None:
    """Test books on labelled samples: F1, coverage, precision, overlaps and conflicts, one row per rule.

    With --bundle, F1 of the bundle with its rules and without, and how often its other experts agree with a rule
    (fidelity).

    \b
    examples:
      kdsl rules test --data train.json --images images --book rules/scene.yaml
      kdsl rules test --data test.json --images images --bundle runs/shop
    """
    from shutil import get_terminal_size

    from kdsl.rules.show import TABLE_WIDTH, test_lines, test_row_lines, test_table

    found = rules.test(evidences)
    rows = test_table if get_terminal_size().columns >= TABLE_WIDTH else test_row_lines
    print_found(style, found, *(shown for one in found.values() for shown in (test_lines(one), rows(one))))


@rules.command()
@with_book_and_samples(required=False)
@format_option
def lint(rules: Rules, evidences: list[Evidence], style: str) -> None:
    """Find what in a book does nothing, says the same twice, or speaks against itself.

    On --data, which needs no labels, rules are compared by the samples on which they fire, too.

    \b
    examples:
      kdsl rules lint --book mine.yaml
      kdsl rules lint --bundle runs/shop --data train.json --images images
    """
    from kdsl.rules.show_changes import finding_lines

    found = rules.lint(evidences)
    lines = [f"{task}: {line}" for task, findings in found.items() for line in finding_lines(findings)]
    print_found(style, found, lines or ["nothing found"])


@rules.command()
@click.option("--label", required=True, help="The label that the rule votes for.")
@with_literals
@click.option("--weight", type=float, help="Its vote. [default: 3]")
@click.option("--id", help="Its id. [default: the first of hand-1, hand-2, ... that is free]")
@with_book_and_samples(required=False)
@then_saved
def add(rules: Rules, evidences: list[Evidence], **given: Any) -> Change:
    """Add a rule; its effect on --data is shown before it is saved.

    In a LITERAL plain or curly quotes may stand for 「」. docs/rules.md lists the forms of literals.

    \b
    examples:
      kdsl rules add --book mine.yaml --label RUST --when 'a user turn contains the word "rust"' --data train.csv
      kdsl rules add --bundle runs/shop --label 是否会生锈 --any 'a user turn contains 「生锈」' \\
        --any 'a user turn contains 「长锈」' --reason 漏了一种说法 --yes
    """
    return rules.add(evidences=evidences, **given)


@rules.command()
@click.argument("rule_id", metavar="ID")
@with_literals
@click.option(
    "--drop", multiple=True, metavar="LITERAL", help="A literal of the rule to leave out; may be given more than once."
)
@click.option("--label", help="Another label.")
@click.option("--weight", type=float, help="Another weight.")
@with_book_and_samples(required=False)
@then_saved
def edit(rules: Rules, evidences: list[Evidence], rule_id: str, **given: Any) -> Change:
    """Add literals to the rule ID, drop some, or give it another weight or label.

    Its effect on --data is shown before it is saved.

    \b
    examples:
      kdsl rules edit bubbles --book intent.yaml --none 'a user turn contains 「气泡酒」' --reason "a drink" --yes
      kdsl rules edit m-1a2b3c4d --bundle runs/shop --weight 1.5 --data train.json --images images
    """
    return rules.edit(rule_id, evidences=evidences, **given)


@rules.command()
@click.argument("rule_id", metavar="ID")
@with_book_and_samples(required=False)
@then_saved
def disable(rules: Rules, evidences: list[Evidence], rule_id: str, reason: str) -> Change:
    """Disable the rule ID: it stays in the book and never fires.

    \b
    examples:
      kdsl rules disable m-1a2b3c4d --bundle runs/shop --data train.json --images images --reason "an accident"
    """
    return rules.disable(rule_id, reason=reason, evidences=evidences)


@rules.command()
@click.argument("rule_id", metavar="ID")
@with_book_and_samples(required=False)
@then_saved
def enable(rules: Rules, evidences: list[Evidence], rule_id: str, reason: str) -> Change:
    """Let the disabled rule ID fire again.

    \b
    examples:
      kdsl rules enable m-1a2b3c4d --bundle runs/shop --yes
    """
    return rules.enable(rule_id, reason=reason, evidences=evidences)


@rules.command()
@click.argument("name", metavar="NAME")
@click.option("--add", multiple=True, metavar="WORD", help="A word or phrase to add; may be given more than once.")
@click.option("--drop", multiple=True, metavar="WORD", help="A word or phrase to leave out.")
@with_book_and_samples(required=False)
@then_saved
def group(rules: Rules, evidences: list[Evidence], name: str, **given: Any) -> Change:
    """Add words to the word group NAME, or drop some; a group that is not there yet is made.

    A rule names it in a literal: a user turn speaks of 〔NAME〕.

    \b
    examples:
      kdsl rules group rust --book mine.yaml --add "brown spots" --add 长锈 --data train.csv
    """
    return rules.group(name, evidences=evidences, **given)


@rules.command()
@click.option("--to", type=int, metavar="VERSION", help="Another version of the history. [default: the one before]")
@click.option("--hand-edits", is_flag=True, help="Take back what an editor, or mining again, changed since, too.")
@with_book_and_samples(required=False)
@then_saved
def undo(rules: Rules, evidences: list[Evidence], to: int | None, hand_edits: bool, reason: str) -> Change:
    """Put the book's file back as it was before its last change; that is a change, too.

    \b
    examples:
      kdsl rules undo --book mine.yaml --yes
      kdsl rules undo --bundle runs/shop --task intent --to 3 --yes
    """
    return rules.undo(to, hand_edits=hand_edits, reason=reason, evidences=evidences)


@rules.command()
@with_book
@format_option
def history(rules: Rules, style: str) -> None:
    """List the versions of a book's file: when, by which command, why, and which rules it changed.

    \b
    examples:
      kdsl rules history --book mine.yaml
    """
    from kdsl.rules.show_changes import history_lines

    versions = rules.history()
    print_found(style, versions, history_lines(versions))


@rules.command()
@click.argument("before", metavar="A", type=FILE)
@click.argument("after", metavar="B", type=FILE)
@format_option
def diff(before: Path, after: Path, style: str) -> None:
    """Say what turns the rule book A into B: rules added, removed and changed, with their literals.

    \b
    examples:
      kdsl rules diff rules/scene.yaml runs/shop/rules/scene.yaml
    """
    from kdsl.rules.book import RuleBook
    from kdsl.rules.compare import difference
    from kdsl.rules.show_changes import difference_lines

    found = difference(RuleBook.load(before), RuleBook.load(after))
    print_found(style, found, difference_lines(found))


@rules.command()
@click.argument("first", metavar="A", type=FILE)
@click.argument("second", metavar="B", type=FILE)
@out_option("The merged book, a file that is not there yet.")
@format_option
def merge(first: Path, second: Path, out: Path, style: str) -> None:
    """Write a rule book with the rules of A and those that B has besides; conflicts are listed.

    Comments in A stay. Where A and B differ about a rule's weight, A's is kept; other conflicts keep both rules.

    \b
    examples:
      kdsl rules merge mine.yaml colleague.yaml --out ours.yaml
    """
    from kdsl.rules.compare import merge_files
    from kdsl.rules.show_changes import merged_lines

    found = merge_files(first, second, out)
    print_found(style, found, merged_lines(found))


@rules.command()
@with_book
@click.option(
    "--format",
    "style",
    type=click.Choice(["markdown", "html", "csv", "sql"]),
    required=True,
    help="sql: a query that gives each row of a table of texts its label, for one book.",
)
@click.option("--out", type=FILE, help="The file to write. [default: standard output]")
def export(rules: Rules, style: Style, out: Path | None) -> None:
    """Write rule books in a form for people, spreadsheets or databases.

    \b
    examples:
      kdsl rules export --bundle runs/shop --format html --out rules.html
      kdsl rules export --task intent --format sql
    """
    from kdsl.files import atomic_write
    from kdsl.rules.export import exported

    text = exported(list(rules.values()), style)
    if out is None:
        click.echo(text, nl=False)
    else:
        atomic_write(out, text)
