"""`kdsl leave-out`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("leave-out")
@click.argument("scores", nargs=-1, required=True, type=click.Path(path_type=Path))
def leave_out(scores: tuple[Path, ...]) -> None:
    """What each expert is worth: all together, all but each, each alone.

    SCORES are folders that `kdsl crossval` writes beside its output, one a seed; with several, the table shows
    mean and standard deviation.

    \b
    Example:
      kdsl crossval --data train.json --images images --folds folds.json --output oof.jsonl
      kdsl leave-out oof.jsonl.scores
    """
    from kdsl.evaluation.ablation.leave_out import leave_out as judge
    from kdsl.evaluation.ablation.leave_out import leave_out_table
    from kdsl.progress import show

    show(leave_out_table(judge(scores)))
