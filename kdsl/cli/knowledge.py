"""`kdsl knowledge`: a knowledge base is made, added to, searched and checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from kdsl.cli.mine import critic, mine, pairs, verdicts
from kdsl.cli.options import FILE, config_option, images_option, noun, out_option, set_option, task_files_option
from kdsl.cli.rule_options import format_option, print_found

KINDS = ("description", "faq", "product", "page", "intention", "sample")


@noun()
def knowledge() -> None:
    """Make, search and check a knowledge base: snippets, products and what was mined from them."""


@knowledge.command()
@click.argument("base", metavar="BASE", type=FILE)
@click.argument("sources", metavar="[SOURCE]...", nargs=-1, type=FILE)
@click.option("--products", type=FILE, multiple=True, help="A catalogue; may be given more than once.")
@images_option
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="PART=NAME",
    help="Column that holds a part (id, title, text, price, ...), where its name is not known (docs/knowledge.md).",
)
@task_files_option("the shipped tasks, whose labels snippets may name")
@click.option("--encoder", metavar="NAME", help="Encoder of texts of a new base. [default: use-multilingual-v3]")
@format_option
def add(
    base: Path,
    sources: tuple[Path, ...],
    products: tuple[Path, ...],
    images: Path,
    columns: tuple[str, ...],
    task_files: tuple[Path, ...],
    encoder: str | None,
    style: str,
) -> None:
    """Add snippets (YAML, Markdown, CSV, Excel, JSON, folders of these) and product catalogues to BASE.

    BASE is a folder, made if it is not there. Of a SOURCE that is given again, what is new or changed is embedded, and
    what it no longer holds is removed.

    \b
    examples:
      kdsl knowledge add shop/base shop/faq.md shop/snippets
      kdsl knowledge add shop/base --products shop/products.csv --images shop --column price=到手价
    """
    from kdsl.data.readers import load_task_files
    from kdsl.knowledge.base import KnowledgeBase

    if not sources and not products:
        raise click.UsageError("Nothing to add: give a SOURCE or --products.")
    made = KnowledgeBase.at(base, encoder)
    found = made.add_files(
        sources, load_task_files(task_files), products=products, images=images, columns=_pairs(columns)
    )
    print_found(style, found, [f"{base}: {found}"])


@knowledge.command()
@config_option
@set_option
@out_option("The base's folder; one that is there is brought up to date.")
@click.option("--snippets", type=FILE, help="File or folder of snippets; default: knowledge.snippets of the config.")
@click.option("--world", default=0, show_default=True, help="Synthetic documents per label to add.")
@format_option
def build(config: str, overrides: tuple[str, ...], out: Path, snippets: Path | None, world: int, style: str) -> None:
    """Make a base of what a config knows: descriptions of its labels, its snippets, synthetic documents.

    \b
    examples:
      kdsl knowledge build --out base
      kdsl knowledge build --out base --world 100
      kdsl knowledge build --config configs/nano.yaml --snippets my-shop/snippets --out base
    """
    from kdsl.world.documents import build_base

    found = build_base(out, config, overrides, snippets, world)
    print_found(style, found, [f"{out}: {found}"])


@knowledge.command()
@click.argument("base", metavar="BASE", type=FILE)
@click.argument("text")
@click.option("-k", default=5, show_default=True, type=click.IntRange(min=1), help="Documents to show.")
@click.option("--task", help="Documents about this task only.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Documents of this kind only.")
@click.option("--label", "labels", multiple=True, help="Documents with this label only.")
@click.option("--language", "languages", multiple=True, help="Documents in this language only: zh, en, ...")
@format_option
def search(base: Path, text: str, k: int, style: str, **filters: Any) -> None:
    """Show the documents of BASE that are nearest to TEXT in meaning, with their similarity.

    Options but -k and --task may be given more than once.

    \b
    examples:
      kdsl knowledge search base "这个锅会不会生锈" --task intent -k 3
      kdsl knowledge search shop/base "送妈妈的锅" --kind product --format json
    """
    from kdsl.knowledge.base import KnowledgeBase
    from kdsl.knowledge.store.selection import Where
    from kdsl.progress import say

    if not text.strip():
        raise click.UsageError("TEXT is empty; give what to search for.")
    opened, where = KnowledgeBase.open(base), Where(**filters)
    hits = opened.search(text, k, where)
    rows = [{"similarity": round(hit.similarity, 4), **hit.document.as_dict()} for hit in hits]
    lines = [
        f"{hit.similarity:.3f}  {hit.document.kind}  {hit.document.label or '-'}  {hit.document.excerpt}  "
        f"[{hit.document.source}]"
        for hit in hits
    ]
    unknown = [] if hits else opened.unknown(where)
    if style == "json":
        for line in unknown:
            say(line)
    print_found(style, rows, lines or ["nothing found", *unknown])


@knowledge.command()
@click.argument("base", metavar="BASE", type=FILE)
@format_option
def stats(base: Path, style: str) -> None:
    """Count the documents of BASE by kind, task, label, language and source.

    \b
    examples:
      kdsl knowledge stats shop/base
    """
    from kdsl.knowledge.base import KnowledgeBase

    found = KnowledgeBase.open(base).stats()
    print_found(style, found, [*_stats_lines(found)])


@knowledge.command()
@click.argument("base", metavar="BASE", type=FILE)
@format_option
def verify(base: Path, style: str) -> None:
    """Check BASE: its files and documents by their hashes. The exit status is 3 if anything is wrong.

    \b
    examples:
      kdsl knowledge verify shop/base
    """
    from kdsl.knowledge.base import KnowledgeBase

    faults = KnowledgeBase.verify(base)
    print_found(style, faults, faults or [f"{base}: every file and document is what was written"])
    if faults:
        click.get_current_context().exit(3)


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    if bad := next((one for one, (part, sign, name) in zip(given, pairs, strict=True) if not (part and name)), None):
        raise click.UsageError(f"--column '{bad}' should be PART=NAME, such as title=宝贝名称.")
    return {part: name for part, _, name in pairs}


def _stats_lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['documents']} documents, encoder {found['encoder']}"]
    for name, counts in found.items():
        if isinstance(counts, dict):
            lines += ["", f"{name.removeprefix('by_')}:"]
            lines += [f"{count:>8}  {value or '-'}" for value, count in counts.items()]
    return lines


for command in (pairs, mine, verdicts, critic):
    knowledge.add_command(command)
