"""What label scoring costs beside a bare prefill, one forward per label, and greedy writing.

    python benchmarks/label_scoring.py
    python benchmarks/label_scoring.py --model FOLDER --dtype bfloat16 --tokens 1024
    python benchmarks/label_scoring.py --shape qwen2-vl-2b --dtype bfloat16 --rounds 1 --labels 1
    python benchmarks/label_scoring.py --shape small-qwen3.5 --threads 1 --tokens 400
    python benchmarks/label_scoring.py --config FOLDER --dtype bfloat16 --device cuda

Weights do not change the time: `--shape` and `--config` build a model with random weights, of a shape in shapes.py or
in FOLDER/config.json (FOLDER needs the tokenizer and processor files too). Without options the embedded model is
measured, or, where its weights are missing, a random one of its shape. The samples are made here: a picture, a page
of text, a dialogue. All rows see the same prompts; the pictures are decoded before any clock starts, and the vision
tower runs in all rows but those of calls 2 and 3, whose pictures stand in the cached prefix. Labels are scored in every
way that is right for the model (`kdsl.models.guard`); the first row after these is the way that kdsl takes, with the
prefix kept. `off by` is the largest difference of a label's log-probability from one forward per label. Greedy writing
stops after as many tokens as a label takes on average with its end. Times are the median over the rounds, of processor
time on a CPU with one thread; the ways take turns, so that what else the machine does falls on all of them. Peak memory
is that of a way's first round, weights included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from measuring import clock, peak_mib, reset_peak
from PIL import Image
from shapes import SHAPES, random_model, write_shape

from kdsl.config import ModelConfig, PromptConfig
from kdsl.data.sample import Sample, Turn
from kdsl.errors import MissingDependency
from kdsl.evidence.types import Evidence, OcrLine, Picture, PictureFacts
from kdsl.models.base import LoadedModel, load_base, wrap
from kdsl.models.encode import encode
from kdsl.models.features import PictureFeatures
from kdsl.models.generation import generate
from kdsl.models.guard import WAYS
from kdsl.models.label_tree import LabelTree
from kdsl.models.prompts import Prompt
from kdsl.models.scorer import LabelScorer
from kdsl.models.way import Way
from kdsl.resources import resource
from kdsl.tasks import load_task

FACTS = PictureFacts("screenshot", True, False, False, 2.0, 0.3, 0.8, 0.1, 0.1, (0.0,) * 10 + (1.0,), (0.5,) * 96)
LINES = ("我的订单", "待发货", "商家已接单", "预计三天内送达", "申请售后", "查看物流", "再次购买", "合计", "联系客服")
TURNS = (
    ("user", "我昨天下单的那个锅什么时候发货呀"),
    ("agent", "这边帮您看一下订单，一般付款后两天内安排出库"),
    ("user", "那用久了锅底会不会掉涂层"),
    ("agent", "正常使用没有问题，建议用木铲"),
)
ONE_BY_ONE = "one forward per label"
AS = "call 1 as "
CONTEXT = ("会掉涂层：问不粘锅的涂层会不会脱落", "发货时间：问付款之后多久寄出")


def main() -> None:
    """Measure and print one table."""
    args = _arguments()
    torch.manual_seed(0)
    torch.set_num_threads(args.threads or torch.get_num_threads())
    loaded = _model(args)
    device = loaded.device
    task = load_task(resource("configs/tasks/mire-intent.yaml"))
    config = PromptConfig(max_tokens=args.tokens, max_pixels=args.pixels)
    scorer = LabelScorer(loaded, task, config, batch_size=args.batch)
    with tempfile.TemporaryDirectory() as folder:
        evidences = [_evidence(Path(folder), i, args.tokens) for i in range(args.batch)]
        prompts = [scorer.prompt(evidence) for evidence in evidences]
        ways = _ways(loaded, scorer, prompts, args.labels)
        times: dict[str, list[float]] = {name: [] for name in ways}
        peaks: dict[str, float] = {}
        scores: dict[str, np.ndarray] = {}
        for round_ in range(args.rounds + 1):  # the first round warms up and is not counted
            for name, run in ways.items():
                if name == ONE_BY_ONE and not 1 <= round_ <= max(1, args.rounds // 4):
                    continue
                if name not in peaks:
                    reset_peak(device)
                start = clock(device)
                found = run()
                seconds = clock(device) - start
                peaks.setdefault(name, peak_mib(device))
                if found is not None:
                    scores[name] = found
                if round_:
                    times[name].append(seconds)
                if seconds > 5:
                    print(f"round {round_}: {name} {seconds:.1f} s, {peaks[name]:.0f} MiB", file=sys.stderr)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    medians[ONE_BY_ONE] *= len(task.names) / len(task.names[: args.labels])
    _print(args, loaded, scorer, prompts, medians, peaks, _differences(scores))


def _differences(scores: dict[str, np.ndarray]) -> dict[str, float]:
    """The largest difference of each way's scores from those of one forward per label, over the labels that it ran."""
    expected = scores[ONE_BY_ONE]
    labels = expected.shape[1]
    return {name: float(np.abs(found[:, :labels] - expected).max()) for name, found in scores.items()}


def _ways(
    loaded: LoadedModel, scorer: LabelScorer, prompts: list[Prompt], n_labels: int | None
) -> dict[str, Callable[[], np.ndarray | None]]:
    batch = encode(loaded, prompts).tensors
    labels = [list(tokens) for tokens in scorer.tree.sequences[:n_labels]]
    right = [way for way in WAYS.values() if scorer.way.name == "tree" or way is scorer.way]
    states = scorer.score_prompts(prompts, keep=True).states
    shortlist = scorer.task.names[:5]
    contexts = [CONTEXT] * len(prompts)
    written = round(statistics.mean(scorer.tree.n_tokens))

    @torch.inference_mode()
    def prefill() -> None:
        loaded.model(**batch, logits_to_keep=1, use_cache=False)

    def first_call(way: Way, keep: bool = False) -> np.ndarray:
        loaded.caches["picture_features"] = PictureFeatures(loaded)  # pictures that nobody has looked at yet
        return way.first_call(loaded, scorer.tree, prompts, keep=keep)[0]

    @torch.inference_mode()
    def one_by_one() -> np.ndarray:
        told = []
        for ids in labels:
            answer = torch.tensor(ids, device=loaded.device).expand(len(prompts), -1)
            more = {
                "input_ids": torch.cat([batch["input_ids"], answer], 1),
                "attention_mask": torch.cat([batch["attention_mask"], torch.ones_like(answer)], 1),
                "mm_token_type_ids": torch.cat([batch["mm_token_type_ids"], torch.zeros_like(answer).int()], 1),
            }
            whole = {**batch, **more}
            logits = loaded.model(**whole, logits_to_keep=len(ids) + 1, use_cache=False).logits[:, :-1].float()
            told.append(logits.log_softmax(-1).gather(2, answer[..., None]).double().sum((1, 2)).cpu().numpy())
        return np.stack(told, 1)

    def rescore(names: Sequence[str] | None = None) -> None:
        scorer.rescore(states, contexts, names)

    def write() -> None:
        generate(loaded, prompts, written)

    ways: dict[str, Callable[[], np.ndarray | None]] = {"bare prefill": prefill}
    ways |= {f"{AS}{way.name}": partial(first_call, way) for way in right}
    return ways | {
        "the same, prefix kept": partial(first_call, scorer.way, keep=True),
        "calls 2-3, all labels": rescore,
        "calls 2-3, 5 labels": partial(rescore, shortlist),
        f"greedy, {written} tokens": write,
        ONE_BY_ONE: one_by_one,
    }


def _rows(tree: LabelTree) -> str:
    """The passes of a tree's rows in words."""
    sizes = [f"{len(one.parents)} rows of up to {one.nodes.shape[1]} tokens" for one in tree.passes]
    return ", then ".join(sizes)


def _evidence(folder: Path, i: int, tokens: int) -> Evidence:
    """A sample that fills a prompt of `tokens` with room to spare."""
    path = folder / f"{i}.png"
    Image.linear_gradient("L").resize((750, 1600)).rotate(i).convert("RGB").save(path)
    texts = [f"{line}{j}" if j >= len(LINES) else line for j, line in enumerate(LINES * (tokens // 40 + 1))]
    lines = tuple(OcrLine(text, 0.9, (10.0, 20.0 * j, 400.0, 20.0 * j + 18)) for j, text in enumerate(texts))
    picture = Picture(path.name, path, 750, 1600, lines, FACTS)
    turns = tuple(Turn(role, text, text) for role, text in TURNS * (tokens // 400 + 1))  # type: ignore[arg-type]
    return Evidence(Sample(str(i), "intent", (path.name,), turns), (picture,))


def _model(args: argparse.Namespace) -> LoadedModel:
    if args.config:
        return random_model(args.config, args.dtype, args.device)
    if args.shape:
        with tempfile.TemporaryDirectory() as folder:
            return random_model(write_shape(args.shape, Path(folder) / args.shape), args.dtype, args.device)
    try:
        return load_base(ModelConfig(source=args.model, dtype=args.dtype, device=args.device))
    except MissingDependency as error:
        if args.model != "kdsl-nano":
            raise
        print(f"{error}\nMeasuring a random model of its shape instead.")
    from kdsl.models.nano.architecture import build_model, build_processor
    from kdsl.models.nano.tokenizer import train_tokenizer

    tokenizer = train_tokenizer([*LINES, *(text for _, text in TURNS)] * 20, (), vocab_size=4000)
    model = build_model(tokenizer).to(getattr(torch, args.dtype))
    return wrap(model, build_processor(tokenizer), name="random nano", fingerprint="")


def _print(
    args: argparse.Namespace,
    loaded: LoadedModel,
    scorer: LabelScorer,
    prompts: list[Prompt],
    times: dict[str, float],
    peaks: dict[str, float],
    differences: dict[str, float],
) -> None:
    lengths = [prompt.n_tokens for prompt in prompts]
    print(
        f"{loaded.name}: {loaded.n_parameters / 1e6:.1f} M parameters, {loaded.dtype}, {loaded.device}, "
        f"{torch.get_num_threads()} threads; {len(prompts)} samples per batch, {min(lengths)}-{max(lengths)} tokens, "
        f"{len(scorer.tree.labels)} labels in {len(scorer.tree)} tree tokens, or {_rows(scorer.tree)}; "
        f"{args.rounds} rounds"
    )
    prefill, call_1 = times["bare prefill"], times[AS + scorer.way.name]
    print(f"{'':24}{'ms/sample':>11}{'of prefill':>12}{'of call 1':>11}{'peak MiB':>10}{'off by':>9}")
    for name, taken in times.items():
        ms = 1000 * taken / len(prompts)
        off = f"{differences[name]:9.1e}" if name in differences else ""
        print(f"{name:24}{ms:11.2f}{taken / prefill:12.2f}{taken / call_1:11.2f}{peaks[name]:10.0f}{off}")
    if args.labels:
        print(f"{ONE_BY_ONE}: {args.labels} labels measured, the time scaled to all")
    if args.json:
        args.json.write_text(
            json.dumps({"lengths": lengths, "seconds": times, "off by": differences}, indent=2) + "\n", "utf-8"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--model", default="kdsl-nano", help="kdsl-nano, a folder, or a hub id")
    parser.add_argument("--shape", choices=SHAPES, help="a random model of this shape")
    parser.add_argument("--config", type=Path, help="folder whose config.json gives the shape of a random model")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--tokens", type=int, default=384, help="prompt.max_tokens")
    parser.add_argument("--pixels", type=int, default=47040, help="prompt.max_pixels")
    parser.add_argument("--batch", type=int, default=1, help="samples in one forward pass")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--labels", type=int, help="measure one forward a label on so many labels only")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--json", type=Path, help="write the times here too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
