"""`kdsl benchmark`: published benchmarks that kdsl can be measured on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from kdsl.cli.options import FILE, noun, out_option, seed_option
from kdsl.errors import ConfigError, faults_of

if TYPE_CHECKING:
    from kdsl.evaluation.intentionqa.scorers import Ask
    from kdsl.intentions.backends.base import Backend


@noun()
def benchmark() -> None:
    """Measure encoders and language models on published benchmarks."""


@benchmark.command()
@click.option("--task", type=click.IntRange(1, 2), required=True, help="1: which intention; 2: which product.")
@click.option("--data", type=FILE, required=True, help="QA_fullInfo_task1.jsonl or QA_fullInfo_task2.jsonl.")
@click.option("--encoder", "encoders", multiple=True, help="Encoder of texts; may be given more than once.")
@click.option(
    "--model", "models", multiple=True, help="Language model: a folder or hub id; more than one may be given."
)
@click.option(
    "--server", metavar="URL", help="OpenAI-compatible server of the models, such as http://localhost:8000/v1."
)
@click.option(
    "--ask",
    type=click.Choice(["letter", "wording"]),
    help="Official prompt, or how the options' own words go on. Default: letter of a server, else wording.",
)
@click.option("--knowledge", type=FILE, help="Knowledge base: models are asked with its intentions, too.")
@click.option("--accept-terms", type=click.Choice(["gemma"]), help="Whose terms of use you accept.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    default="float32",
    show_default=True,
    help="Numbers that a model computes in.",
)
@click.option(
    "--quantize",
    type=click.Choice(["none", "4bit"]),
    default="none",
    show_default=True,
    help="4bit: weights as NF4, on a GPU.",
)
@click.option("--limit", type=click.IntRange(min=1), help="So many items, drawn by --seed.")
@seed_option
@out_option("Folder for answers and report.")
def intentionqa(
    task: int,
    data: Path,
    encoders: tuple[str, ...],
    models: tuple[str, ...],
    server: str | None,
    ask: Ask | None,
    knowledge: Path | None,
    accept_terms: str | None,
    dtype: str,
    quantize: str,
    limit: int | None,
    seed: int,
    out: Path,
) -> None:
    """IntentionQA: the intention behind a purchase (task 1), or what else is bought (task 2), out of four options.

    Word overlap and chance always stand beside what is measured. A killed run continues where it was.

    \b
    examples:
      kdsl benchmark intentionqa --task 1 --data task1.jsonl --encoder use-multilingual-v3 --out runs/task1
      kdsl benchmark intentionqa --task 1 --data task1.jsonl --model gemma-3-270m --accept-terms gemma --out runs/gemma
      kdsl benchmark intentionqa --task 2 --data task2.jsonl --server http://gpu:8000/v1 --model NAME --out runs/7b
    """
    from kdsl.encoders.registry import text_encoder
    from kdsl.evaluation.intentionqa.benchmark import run_benchmark
    from kdsl.knowledge.base import KnowledgeBase
    from kdsl.progress import say, show

    if server and not models:
        raise click.UsageError("--server needs --model, the name by which the server knows the model.")
    if server and ask == "wording":
        raise click.UsageError("a server gives the probabilities of an answer's first token alone: use --ask letter.")
    report = run_benchmark(
        task,
        data,
        out,
        encoders=[text_encoder(name) for name in encoders],
        backends=[_backend(name, server, accept_terms, dtype, quantize) for name in models],
        knowledge=KnowledgeBase.open(knowledge) if knowledge else None,
        ask=ask or ("letter" if server else "wording"),
        limit=limit,
        seed=seed,
    )
    show(report.table())
    say(f"the report is in {out}")


def _backend(name: str, server: str | None, accept_terms: str | None, dtype: str, quantize: str) -> Backend:
    if server:
        from kdsl.intentions.backends.server import ServerBackend, ServerConfig

        try:
            return ServerBackend(ServerConfig(url=server, model=name))
        except ValidationError as error:
            raise ConfigError(f"`server` {server}: {'; '.join(faults_of(error))}.") from error
    from kdsl.config import ModelConfig
    from kdsl.intentions.backends.local import LocalBackend

    settings = {"source": name, "accept_terms": accept_terms, "dtype": dtype, "quantize": quantize}
    return LocalBackend(ModelConfig.model_validate(settings))
