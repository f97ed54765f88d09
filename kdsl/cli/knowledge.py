"""`kdsl knowledge`: build and search the knowledge index."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import config_options

_PATH = click.Path(path_type=Path)


@click.group()
def knowledge() -> None:
    """Build and search the knowledge index."""


@knowledge.command()
@config_options
@click.option("--out", type=_PATH, required=True, help="Folder for the index.")
@click.option("--snippets", type=_PATH, help="Folder of snippets; default: knowledge.snippets of the config.")
@click.option("--world", default=0, show_default=True, help="Synthetic documents a label to add.")
def build(config_path: str, out: Path, snippets: Path | None, world: int, overrides: tuple[str, ...]) -> None:
    """Index the snippets of all tasks (`kdsl fit` adds labelled samples to its own).

    \b
    examples:
      kdsl knowledge build --out index
      kdsl knowledge build --out index --world 100
      kdsl knowledge build --config configs/nano.yaml --snippets my-shop/snippets --out index
    """
    from kdsl.config import load_config, load_tasks
    from kdsl.knowledge.documents import load_snippets
    from kdsl.knowledge.embedders import open_embedder
    from kdsl.knowledge.index import KnowledgeIndex
    from kdsl.world.documents import world_documents

    settings = load_config(config_path, overrides)
    tasks = load_tasks(settings)
    documents = load_snippets(snippets or Path(settings.knowledge.snippets), tasks)
    documents += [d for task in tasks for d in world_documents(task, world, settings.seed)]
    KnowledgeIndex.build(documents, open_embedder(settings.knowledge.embedder)).save(out)
    click.echo(f"{out}: {len(documents)} documents", err=True)


@knowledge.command()
@click.argument("index", type=_PATH)
@click.argument("text")
@click.option("--task", help="Only documents of this task.")
@click.option("-k", default=5, show_default=True, type=click.IntRange(min=1), help="Documents to show.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the full text.")
def search(index: Path, text: str, task: str | None, k: int, as_json: bool) -> None:
    """Show the documents of INDEX nearest to TEXT, with their similarity.

    \b
    example:
      kdsl knowledge search index "这个锅会不会生锈" --task intent -k 3
    """
    import json

    from kdsl.knowledge.index import KnowledgeIndex

    for hit in KnowledgeIndex.load(index).search(text, k, task):
        document = hit.document
        if as_json:
            row = {"score": round(hit.similarity, 4), **document.as_dict()}
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            click.echo(f"{hit.similarity:.3f}  {document.label or '-'}  {document.excerpt}  [{document.source}]")
