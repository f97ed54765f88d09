"""`kdsl knowledge`: build and search the knowledge index."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kdsl.cli.options import FILE, config_option, noun, out_option, set_option, task_option


@noun()
def knowledge() -> None:
    """Build and search the knowledge index."""


@knowledge.command()
@config_option
@set_option
@out_option("Folder for the index.")
@click.option("--snippets", type=FILE, help="Folder of snippets; default: knowledge.snippets of the config.")
@click.option("--world", default=0, show_default=True, help="Synthetic documents per label to add.")
def build(config: str, overrides: tuple[str, ...], out: Path, snippets: Path | None, world: int) -> None:
    """Index the snippets of all tasks (`kdsl fit` adds labelled samples to its own).

    \b
    examples:
      kdsl knowledge build --out index
      kdsl knowledge build --out index --world 100
      kdsl knowledge build --config configs/nano.yaml --snippets my-shop/snippets --out index
    """
    from kdsl.world.documents import build_index

    click.echo(f"{out}: {build_index(out, config, overrides, snippets, world)} documents", err=True)


@knowledge.command()
@click.argument("index", type=FILE)
@click.argument("text")
@task_option
@click.option("-k", default=5, show_default=True, type=click.IntRange(min=1), help="Documents to show.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, with the full text.")
def search(index: Path, text: str, task: str | None, k: int, as_json: bool) -> None:
    """Show the documents of INDEX nearest to TEXT, with their similarity.

    \b
    examples:
      kdsl knowledge search index "这个锅会不会生锈" --task intent -k 3
    """
    from kdsl.knowledge.index import KnowledgeIndex

    for hit in KnowledgeIndex.load(index).search(text, k, task):
        document = hit.document
        if as_json:
            row = {"score": round(hit.similarity, 4), **document.as_dict()}
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            click.echo(f"{hit.similarity:.3f}  {document.label or '-'}  {document.excerpt}  [{document.source}]")
