"""Options that the commands of `kdsl rules` share, and how they print and save."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kdsl.cli.options import FILE, Command, columns_options, data_option, images_option, ocr_option, task_files_option

if TYPE_CHECKING:
    from kdsl.data.columns import Columns
    from kdsl.evidence.types import Evidence

format_option = click.option(
    "--format",
    "style",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="json: one document on standard output.",
)


def _book_options(command: Command) -> Command:
    """--book, --bundle and --task: which rule books."""
    for option in (
        click.option("--task", help="The book of this task only."),
        click.option("--bundle", type=FILE, help="A bundle that `kdsl fit` made: its rule books."),
        click.option("--book", type=FILE, help="A rule book (YAML). Default: the books that ship with kdsl."),
    ):
        command = option(command)
    return command


def with_book(command: Command) -> Command:
    """--book, --bundle and --task, which the command takes as `rules`."""

    @functools.wraps(command)
    def with_rules(*args: Any, book: Path | None, bundle: Path | None, task: str | None, **others: Any) -> Any:
        from kdsl.rules.collection import Rules

        return command(*args, rules=Rules.open(book, bundle, task), **others)

    return _book_options(with_rules)


def with_book_and_samples(*, required: bool) -> Callable[[Command], Command]:
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


def print_found(style: str, value: Any, *shown: Any) -> None:
    """One document of JSON, or tables and lines."""
    from kdsl.progress import show
    from kdsl.rules.show import as_json

    if style == "json":
        click.echo(as_json(value))
        return
    for one in shown:
        if isinstance(one, list):
            _echo(one)
        else:
            show(one)


def _echo(lines: list[str]) -> None:
    """Print lines, in which no customer's text can steer the terminal."""
    from kdsl.rules.show import harmless

    for line in lines:
        click.echo(harmless(line))


def with_literals(command: Command) -> Command:
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


def then_saved(command: Command) -> Command:
    """--reason and --yes of a command that returns a change: it is shown, and saved if that is wanted."""

    @functools.wraps(command)
    def then_save(*args: Any, yes: bool, style: str, **others: Any) -> None:
        import sys

        from kdsl.rules.show_changes import change_lines

        change = command(*args, **others)
        if style == "json":
            if yes:
                change.save()
            print_found(style, change.to_json() | {"saved": yes})
            return
        _echo(change_lines(change))
        if yes or (sys.stdin.isatty() and sys.stdout.isatty() and click.confirm("Save?")):
            version = change.save()
            click.echo(f"saved: {change.file.path}, version {version.number} of its history")
        else:
            click.echo("nothing was saved (--yes saves)")

    reason = click.option("--reason", default="", help="Why; it is kept in the history.")
    sure = click.option("--yes", is_flag=True, help="Save without asking. Without it, only a terminal is asked.")
    return reason(sure(format_option(then_save)))
