"""`kdsl rules`: what a person does with rule books. No torch is needed, but where a bundle's models are asked."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kdsl.cli.options import (
    FILE,
    Command,
    columns_options,
    data_option,
    images_option,
    noun,
    ocr_option,
    out_option,
    task_files_option,
)

if TYPE_CHECKING:
    from kdsl.data.columns import Columns
    from kdsl.evidence.types import Evidence
    from kdsl.rules.change import Change
    from kdsl.rules.collection import Rules, Style

format_option = click.option(
    "--format",
    "style",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="json: one document on standard output.",
)


@noun("list")
def rules() -> None:
    """List, explain, test and change rules."""


def _book_options(command: Command) -> Command:
    """--book, --bundle and --task: which rule books."""
    for option in (
        click.option("--task", help="The book of this task only."),
        click.option("--bundle", type=FILE, help="A bundle that `kdsl fit` made: its rule books."),
        click.option("--book", type=FILE, help="A rule book (YAML). Default: the books that ship with kdsl."),
    ):
        command = option(command)
    return command


def _book(command: Command) -> Command:
    """--book, --bundle and --task, which the command takes as `rules`."""

    @functools.wraps(command)
    def with_rules(*args: Any, book: Path | None, bundle: Path | None, task: str | None, **others: Any) -> Any:
        from kdsl.rules.collection import Rules

        return command(*args, rules=Rules.open(book, bundle, task), **others)

    return _book_options(with_rules)


def _book_and_samples(*, required: bool) -> Callable[[Command], Command]:
    """The same, and --data with what belongs to it: the command takes `rules` and `evidences`."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_samples(
            *args: Any,
            book: Path | None,
            bundle: Path | None,
            task: str | None,
            data: tuple[Path, ...],
            images: Path,
            ocr: Path | None,
            task_files: tuple[Path, ...],
            columns: Columns,
            **others: Any,
        ) -> Any:
            from kdsl.errors import InputError
            from kdsl.rules.collection import Rules
            from kdsl.rules.read_data import evidence_for

            evidences: list[Evidence] = []
            if bundle and not book:
                from kdsl.recognizer import Recognizer

                if task_files:
                    raise InputError("`task_files` and `bundle` were both given; a bundle has its tasks in it.")
                recognizer = click.get_current_context().with_resource(Recognizer.load(bundle))
                rules = recognizer.rules if task is None else recognizer.rules.only(task)
                if data:
                    evidences = recognizer.observe(data, images=images, ocr=ocr, columns=columns)
            else:
                rules = Rules.open(book, bundle, task)
                if data:
                    evidences = evidence_for(rules.values(), data, images, ocr, task_files, columns)
            return command(*args, rules=rules, evidences=evidences, **others)

        made = task_files_option("the shipped tasks, or one that is made of the book")(columns_options(with_samples))
        return _book_options(data_option(required=required)(images_option(ocr_option(made))))

    return decorate


def _print(style: str, value: Any, *shown: Any) -> None:
    """One document of JSON, or tables and lines."""
    from kdsl.progress import show
    from kdsl.rules.show import as_json

    if style == "json":
        click.echo(as_json(value))
        return
    for one in shown:
        if isinstance(one, list):
            click.echo("\n".join(one))
        else:
            show(one)


@rules.command(name="list")
@_book
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

    from kdsl.rules.show import list_lines, list_table

    entries = rules.list(**chosen)
    _print(style, entries, list_table(entries) if sys.stdout.isatty() else list_lines(entries))


@rules.command()
@click.argument("rule_id", metavar="ID")
@_book_and_samples(required=False)
@format_option
def show(rules: Rules, evidences: list[Evidence], rule_id: str, style: str) -> None:
    """Show all there is to know of the rule ID (or TASK/ID); with --data, the samples it gets right and wrong.

    \b
    examples:
      kdsl rules show scene/cart-checkout
      kdsl rules show m13-1 --bundle runs/shop --data train.json --images images
    """
    from kdsl.rules.show import rule_lines, sample_lines

    entry, samples = rules.show(rule_id, evidences)
    value = entry.to_json() | ({"samples": samples.to_json()} if samples else {})
    _print(style, value, rule_lines(entry), sample_lines(samples) if samples else [])


@rules.command()
@click.argument("sample", metavar="SAMPLE")
@_book_and_samples(required=False)
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
    _print(style, found, *map(explanation_lines, found))


@rules.command()
@_book_and_samples(required=True)
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
    from kdsl.rules.show import test_lines, test_table

    found = rules.test(evidences)
    _print(style, found, *(shown for one in found.values() for shown in (test_lines(one), test_table(one))))


def _parts(command: Command) -> Command:
    """Literals of a rule: --when, --any and --none."""
    for name, what in (
        ("none", "A literal that must not hold"),
        ("any", "One of several literals of which one has to hold"),
        ("when", "A literal that has to hold"),
    ):
        command = click.option(
            f"--{name}", multiple=True, metavar="LITERAL", help=f"{what}; may be given more than once."
        )(command)
    return command


def _saving(command: Command) -> Command:
    """--reason and --yes of a command that returns a change: it is shown, and saved if that is wanted."""

    @functools.wraps(command)
    def then_save(*args: Any, yes: bool, style: str, **others: Any) -> None:
        import sys

        from kdsl.rules.show_changes import change_lines

        change = command(*args, **others)
        if style == "json":
            if yes:
                change.save()
            _print(style, change.to_json() | {"saved": yes})
            return
        click.echo("\n".join(change_lines(change)))
        if yes or (sys.stdin.isatty() and sys.stdout.isatty() and click.confirm("Save?")):
            version = change.save()
            click.echo(f"saved: {change.file.path}, version {version.number} of its history")
        else:
            click.echo("nothing was saved (--yes saves)")

    reason = click.option("--reason", default="", help="Why; it is kept in the history.")
    sure = click.option("--yes", is_flag=True, help="Save without asking. Without it, only a terminal is asked.")
    return reason(sure(format_option(then_save)))


@rules.command()
@click.option("--label", required=True, help="The label that the rule votes for.")
@_parts
@click.option("--weight", type=float, help="Its vote. [default: 3]")
@click.option("--id", help="Its id. [default: the first of hand-1, hand-2, ... that is free]")
@_book_and_samples(required=False)
@_saving
def add(rules: Rules, evidences: list[Evidence], **given: Any) -> Change:
    """Add a rule; its effect on --data is shown before it is saved.

    In a LITERAL plain quotes may stand for 「」. docs/rules.md lists the forms of literals.

    \b
    examples:
      kdsl rules add --book mine.yaml --label RUST --when 'a user turn contains the word "rust"' --data train.csv
      kdsl rules add --bundle runs/shop --label 是否会生锈 --any 'a user turn contains 「生锈」' \\
        --any 'a user turn contains 「长锈」' --reason 漏了一种说法 --yes
    """
    return rules.add(evidences=evidences, **given)


@rules.command()
@click.argument("rule_id", metavar="ID")
@_parts
@click.option(
    "--drop", multiple=True, metavar="LITERAL", help="A literal of the rule to leave out; may be given more than once."
)
@click.option("--label", help="Another label.")
@click.option("--weight", type=float, help="Another weight.")
@_book_and_samples(required=False)
@_saving
def edit(rules: Rules, evidences: list[Evidence], rule_id: str, **given: Any) -> Change:
    """Add literals to the rule ID, drop some, or give it another weight or label.

    Its effect on --data is shown before it is saved.

    \b
    examples:
      kdsl rules edit bubbles --book intent.yaml --none 'a user turn contains 「气泡酒」' --reason "a drink" --yes
      kdsl rules edit m3-2 --bundle runs/shop --weight 1.5 --data train.json --images images
    """
    return rules.edit(rule_id, evidences=evidences, **given)


@rules.command()
@click.argument("rule_id", metavar="ID")
@_book_and_samples(required=False)
@_saving
def disable(rules: Rules, evidences: list[Evidence], rule_id: str, reason: str) -> Change:
    """Disable the rule ID: it stays in the book and never fires.

    \b
    examples:
      kdsl rules disable m3-2 --bundle runs/shop --data train.json --images images --reason "an accident"
    """
    return rules.disable(rule_id, reason=reason, evidences=evidences)


@rules.command()
@click.argument("rule_id", metavar="ID")
@_book_and_samples(required=False)
@_saving
def enable(rules: Rules, evidences: list[Evidence], rule_id: str, reason: str) -> Change:
    """Let the disabled rule ID fire again.

    \b
    examples:
      kdsl rules enable m3-2 --bundle runs/shop --yes
    """
    return rules.enable(rule_id, reason=reason, evidences=evidences)


@rules.command()
@click.option("--to", type=int, metavar="VERSION", help="Another version of the history. [default: the one before]")
@click.option("--hand-edits", is_flag=True, help="Take back what was edited by hand since the last change, too.")
@_book_and_samples(required=False)
@_saving
def undo(rules: Rules, evidences: list[Evidence], to: int | None, hand_edits: bool, reason: str) -> Change:
    """Put the book's file back as it was before its last change; that is a change, too.

    \b
    examples:
      kdsl rules undo --book mine.yaml --yes
      kdsl rules undo --bundle runs/shop --task intent --to 3 --yes
    """
    return rules.undo(to, hand_edits=hand_edits, reason=reason, evidences=evidences)


@rules.command()
@_book
@format_option
def history(rules: Rules, style: str) -> None:
    """List the versions of a book's file: when, by which command, why, and which rules it changed.

    \b
    examples:
      kdsl rules history --book mine.yaml
    """
    from kdsl.rules.show_changes import history_lines

    versions = rules.history()
    _print(style, versions, history_lines(versions))


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
    _print(style, found, difference_lines(found))


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
    _print(style, found, merged_lines(found))


@rules.command()
@_book
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
    from kdsl.runs import atomic_write

    text = rules.export(style)
    if out is None:
        click.echo(text, nl=False)
    else:
        atomic_write(out, text)
