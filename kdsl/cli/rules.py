"""`kdsl rules`: list, show and analyse rules. No torch is needed."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import FILE, learning_options, noun


@noun("list")
def rules() -> None:
    """List, show and analyse rules."""


def _books(command: click.decorators.FC) -> click.decorators.FC:
    command = click.option("--bundle", type=FILE, help="A bundle that `kdsl fit` made: its rule books.")(command)
    return click.option("--book", type=FILE, help="A rule book (YAML). Default: the books that ship with kdsl.")(
        command
    )


@rules.command(name="list")
@_books
@click.option("--task", help="Rules of this task only.")
@click.option("--label", help="Rules of this label only.")
def list_command(book: Path | None, bundle: Path | None, task: str | None, label: str | None) -> None:
    """List rules: id, label, weight, what is known of them, and their condition.

    \b
    examples:
      kdsl rules --label 购物车页面
      kdsl rules --bundle runs/shop --task intent
    """
    from kdsl.rules.book import open_books
    from kdsl.rules.show import list_lines

    click.echo("\n".join(list_lines(open_books(book, bundle, task), label)))


@rules.command()
@click.argument("rule_id", metavar="ID")
@_books
@click.option("--task", help="Look in the book of this task only.")
def show(rule_id: str, book: Path | None, bundle: Path | None, task: str | None) -> None:
    """Show all there is to know of the rule ID (or TASK/ID).

    \b
    examples:
      kdsl rules show scene/cart-checkout
    """
    from kdsl.rules.book import find_rule, open_books
    from kdsl.rules.show import rule_lines

    click.echo("\n".join(rule_lines(*find_rule(open_books(book, bundle, task), rule_id))))


@rules.command()
@learning_options
@_books
@click.option("--rule", "rule_id", metavar="ID", help="List the wrong samples of this rule.")
def analyse(
    data: tuple[Path, ...],
    images: Path,
    ocr: Path | None,
    config: str,
    overrides: tuple[str, ...],
    book: Path | None,
    bundle: Path | None,
    rule_id: str | None,
) -> None:
    """Fire rules on labelled samples: coverage, precision, overlaps, conflicts, and the wrong samples of one rule.

    \b
    examples:
      kdsl rules analyse --data train.json --images images --book rules/scene.yaml
      kdsl rules analyse --data train.json --images images --bundle runs/shop --rule scene/m13-1
    """
    from kdsl.config_file import load_config, load_tasks
    from kdsl.evidence.observe import load_evidence
    from kdsl.progress import show as print_table
    from kdsl.rules.analysis import analyse_books, wrong_ids
    from kdsl.rules.book import open_books
    from kdsl.rules.show import summary_table

    settings = load_config(config, overrides)
    evidences = load_evidence(data, images, load_tasks(settings), settings.evidence, ocr)
    books = open_books(book, bundle, None)
    if rule_id is not None:
        click.echo("\n".join(wrong_ids(books, evidences, rule_id)))
        return
    for task, summary in analyse_books(books, evidences).items():
        print_table(summary_table(task, summary))
