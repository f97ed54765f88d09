"""`kdsl knowledge pairs`, `mine`, `verdicts` and `critic`: the intentions behind what is bought together."""

from __future__ import annotations

from pathlib import Path

import click

from kdsl.cli.options import FILE, HelpfulCommand, images_option, out_option, seed_option, set_option


@click.command(cls=HelpfulCommand)
@click.option("--orders", type=FILE, required=True, help="Log of orders: a row per order and product.")
@out_option("File for the pairs, one JSON line each.")
@click.option(
    "--q",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share of the pairs that may be chance.",
)
@click.option(
    "--lift",
    default=1.5,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Least ratio of common orders to those by chance.",
)
@click.option(
    "--together", default=3, show_default=True, type=click.IntRange(min=1), help="Least number of common orders."
)
def pairs(orders: Path, out: Path, q: float, lift: float, together: int) -> None:
    """Find the pairs of products that are bought together more often than chance.

    \b
    examples:
      kdsl knowledge pairs --orders orders.csv --out cobuy.jsonl
    """
    from kdsl.intentions.pairs import write_pairs

    click.echo(f"{out}: {write_pairs(orders, out, q=q, lift=lift, together=together)} pairs", err=True)


@click.command(cls=HelpfulCommand)
@click.option("--products", type=FILE, required=True, multiple=True, help="Catalogue; may be given more than once.")
@click.option("--pairs", type=FILE, required=True, help="Pairs of products that are bought together.")
@images_option
@out_option("Folder for the run; the same one continues it.")
@click.option(
    "--config", default="configs/mining/default.yaml", show_default=True, help="Settings of mining, a YAML file."
)
@set_option
@click.option("--server", metavar="URL", help="OpenAI-compatible server, such as http://localhost:8000/v1.")
@click.option("--model", metavar="NAME", help="What the server calls the model.")
def mine(
    products: tuple[Path, ...],
    pairs: Path,
    images: Path,
    out: Path,
    config: str,
    overrides: tuple[str, ...],
    server: str | None,
    model: str | None,
) -> None:
    """Mine why products are bought together (MIND), and keep what rules and a judge let pass.

    A server's key is taken from the environment variable OPENAI_API_KEY.

    \b
    examples:
      kdsl knowledge mine --products products.jsonl --pairs cobuy.jsonl --out mined
      kdsl knowledge mine --products p.csv --pairs pairs.csv --out mined --server http://localhost:8000/v1 --model qwen
      kdsl knowledge add shop/base mined/documents.jsonl
    """
    from kdsl.intentions.mine import mine as run
    from kdsl.intentions.mine import open_backend
    from kdsl.intentions.settings import load_mining

    settings = load_mining(config, overrides, server, model)
    click.echo(run(open_backend(settings), products, pairs, images, out, settings))


@click.command(cls=HelpfulCommand)
@click.argument("mined", type=FILE)
@out_option("CSV file with an empty column `verdict`; write yes or no (是 or 否) into it.")
@click.option("-n", default=300, show_default=True, type=click.IntRange(min=1), help="Intentions to judge.")
@seed_option
def verdicts(mined: Path, out: Path, n: int, seed: int) -> None:
    """Draw intentions of a mining run to be judged by hand.

    \b
    examples:
      kdsl knowledge verdicts mined --out to-judge.csv
    """
    from kdsl.intentions.folder import MiningFolder
    from kdsl.intentions.verdicts import write_sample

    click.echo(f"{out}: {write_sample(MiningFolder(mined), out, n, seed)} intentions", err=True)


@click.command(cls=HelpfulCommand)
@click.argument("mined", type=FILE)
@click.option("--verdicts", "files", type=FILE, required=True, multiple=True, help="Judged CSV; may be repeated.")
@click.option("--precision", default=0.8, show_default=True, type=click.FloatRange(0, 1), help="What to aim at.")
@seed_option
def critic(mined: Path, files: tuple[Path, ...], precision: float, seed: int) -> None:
    """Fit a critic to verdicts, filter a mining run with it, and report its precision on pairs that it has not seen.

    \b
    examples:
      kdsl knowledge critic mined --verdicts judged.csv --precision 0.9
    """
    from kdsl.intentions.folder import MiningFolder
    from kdsl.intentions.verdicts import fit_on_verdicts

    click.echo(fit_on_verdicts(MiningFolder(mined), files, precision, seed))
