"""Mining of intentions, measured: a catalogue of real titles, and requests per second through an HTTP server.

    python benchmarks/mining.py catalogue --intentionqa DATA/task1.jsonl --pairs 30 --out /tmp/shop
    python benchmarks/mining.py throughput --shop /tmp/shop --in-flight 1 8 64
    python benchmarks/mining.py critic --mined /tmp/mined --verdicts judged.csv --precision 0.7 0.8
    python benchmarks/mining.py recognition --mined /tmp/mined --data MIRE/train.json --folds MIRE/folds.json

A catalogue holds titles of IntentionQA's products (MIT licence, not shipped) and pictures that are drawn here.
Throughput is that of kdsl-nano (9 M parameters) behind benchmarks/model_server.py, which batches what waits, up to 16.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

SIDE = 320


def draw(title: str) -> Image.Image:
    """A picture of a product, told by its title: a body in a colour of its own on a pale ground, and the title."""
    rng = random.Random(zlib.crc32(title.encode()))
    ground, body = (tuple(rng.randrange(*span) for _ in range(3)) for span in ((200, 256), (20, 200)))
    picture = Image.new("RGB", (SIDE, SIDE), ground)
    pen = ImageDraw.Draw(picture)
    left, top, right, bottom = (rng.randrange(*span) for span in ((20, 90), (20, 90), (200, 300), (180, 260)))
    rng.choice((pen.rectangle, pen.ellipse))((left, top, right, bottom), fill=body, outline="black", width=3)
    pen.text((10, SIDE - 30), title[:48], fill="black")
    return picture


def catalogue(intentionqa: Path, pairs: int, out: Path, seed: int) -> None:
    """Write products.jsonl, cobuy.jsonl and photos/ of some of IntentionQA's pairs, drawn by seed."""
    rows = [json.loads(line) for line in intentionqa.read_text("utf-8").splitlines()]
    known = {(row["item_a_id"], row["item_b_id"]): row for row in rows}
    drawn = random.Random(seed).sample(sorted(known), pairs)
    titles = {known[pair][f"item_{side}_id"]: known[pair][f"item_{side}_name"] for pair in drawn for side in "ab"}
    (out / "photos").mkdir(parents=True, exist_ok=True)
    for id, title in titles.items():
        draw(title).save(out / "photos" / f"{id}.jpg")
    products = [{"id": id, "title": title, "picture": f"{id}.jpg"} for id, title in titles.items()]
    for name, lines in (("products", products), ("cobuy", [dict(zip("ab", pair, strict=True)) for pair in drawn])):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (out / f"{name}.jsonl").write_text(text, "utf-8")
    print(f"{out}: {len(titles)} products, {len(drawn)} pairs")


def throughput(shop: Path, in_flight: Sequence[int], requests: int, tokens: int) -> None:
    """Print answers per second, and the slowest, for each number of requests in flight."""
    from kdsl.config import NANO, ModelConfig
    from kdsl.intentions.backends.base import Written
    from kdsl.intentions.backends.server import ServerBackend, ServerConfig
    from kdsl.intentions.prompts import Prompts, open_small
    from kdsl.knowledge.products import read_products
    from kdsl.models.weights import find_weights

    products = read_products([shop / "products.jsonl"], shop / "photos", shop)
    prompts = Prompts("en", True)
    asked = [
        prompts.features(product, open_small(shop / "photos", product.pictures[0], 100))
        for product in (products * (1 + requests // len(products)))[:requests]
    ]
    command = [
        sys.executable,
        str(Path(__file__).with_name("model_server.py")),
        str(find_weights(ModelConfig(source=NANO))),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        try:
            list(ServerBackend(ServerConfig(url=url, model="nano")).write(asked[:8], tokens))  # warm
            print("| in flight | answers per second | tokens per second |\n|---|---|---|")
            for number in in_flight:
                backend = ServerBackend(ServerConfig(url=url, model="nano", in_flight=number))
                begun = time.perf_counter()
                answers = [answer for _, answer in backend.write(asked, tokens)]
                seconds = time.perf_counter() - begun
                assert all(isinstance(answer, Written) for answer in answers)
                written = sum(answer.usage.written for answer in answers if isinstance(answer, Written))
                print(f"| {number} | {len(answers) / seconds:.2f} | {written / seconds:.1f} |", flush=True)
        finally:
            server.kill()


def critic(mined: Path, verdicts: Path, precision: Sequence[float], draws: int) -> None:
    """Print what a critic keeps of verdicts that it has not seen, over many draws of the unseen pairs."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    from kdsl.encoders.registry import text_encoder
    from kdsl.errors import InputError
    from kdsl.intentions.critic import fit_critic
    from kdsl.intentions.folder import MiningFolder
    from kdsl.intentions.verdicts import config_of, draw_unseen, judged_candidates

    folder = MiningFolder(mined)
    config = config_of(folder)
    encoder = text_encoder(config.judge.encoder)
    outcomes, gold = judged_candidates(folder, config, [verdicts])
    judge = roc_auc_score(gold, [outcome.log_odds or 0 for outcome in outcomes])
    print(f"{len(gold)} verdicts, {gold.mean():.3f} sound; AUROC of the judge {judge:.3f}")
    print("| precision asked | reached in | kept of the unseen | precision on the unseen | recall | AUROC |")
    print("|---|---|---|---|---|---|")
    for asked in precision:
        kept, sound, shown, good, areas = 0, 0, 0, 0, []
        for seed in range(draws):
            unseen = draw_unseen([outcome.pair.key for outcome in outcomes], seed)
            seen = np.flatnonzero(~unseen)
            pairs = ["/".join(outcomes[i].pair.key) for i in seen]
            try:
                fitted = fit_critic([outcomes[i].judged for i in seen], gold[seen].tolist(), pairs, encoder, asked)
            except InputError:  # the precision that is asked for is out of reach on this draw
                continue
            scores = fitted.probabilities([outcome.judged for outcome in outcomes], encoder)[unseen]
            areas.append(roc_auc_score(gold[unseen], scores))
            above = scores >= fitted.threshold
            kept, sound = kept + int(above.sum()), sound + int((above & gold[unseen]).sum())
            shown, good = shown + int(unseen.sum()), good + int(gold[unseen].sum())
        print(
            f"| {asked} | {len(areas)} of {draws} | {kept / shown:.3f} | {sound / kept:.3f} | {sound / good:.3f} "
            f"| {np.mean(areas):.3f} |"
        )


def recognition(mined: Path, data: Path, folds: Path) -> None:
    """Print the out-of-fold F1 of MIRE's intents with and without the mined intentions nearest to a shopper's question.

    A logistic regression on the default encoder's vectors of the last and of all user turns; the three nearest
    intentions join as the mean of their vectors, weighted by similarity.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    from kdsl.config import EncodersConfig
    from kdsl.data.readers import read_files
    from kdsl.encoders.registry import text_encoder
    from kdsl.resources import resource
    from kdsl.scores import weighted_f1
    from kdsl.tasks import load_task

    tasks = [load_task(resource(f"configs/tasks/mire-{name}.yaml")) for name in ("scene", "intent")]
    samples = [sample for sample in read_files([data], tasks) if sample.task == "intent"]
    fold = json.loads(folds.read_text("utf-8"))
    numbers = np.array([fold[sample.id] for sample in samples])
    gold = np.array([sample.label for sample in samples])
    encoder = text_encoder(EncodersConfig().text[0])
    said = [[turn.said for turn in sample.turns if turn.role == "user" and turn.said] for sample in samples]
    last, every = (
        encoder.encode([turns[-1] if turns else "" for turns in said]),
        encoder.encode([*map("\n".join, said)]),
    )
    rows = [json.loads(line) for line in (mined / "documents.jsonl").read_text("utf-8").splitlines()]
    known = encoder.encode([row["title"] for row in rows])
    near = every @ known.T
    top = np.argsort(-near, axis=1)[:, :3]
    weights = np.take_along_axis(near, top, axis=1)
    with_them = (known[top] * weights[:, :, None]).mean(1)
    plain = np.hstack([last, every])
    print(f"{len(samples)} dialogues, {len(rows)} intentions; weighted F1, five folds")
    for name, features in (("without", plain), ("with intentions", np.hstack([plain, with_them]))):
        predicted = gold.copy()
        for number in sorted(set(numbers)):
            seen = numbers != number
            model = LogisticRegression(C=30, max_iter=2000).fit(features[seen], gold[seen])
            predicted[~seen] = model.predict(features[~seen])
        print(f"{name}: {weighted_f1(gold, predicted):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("catalogue")
    one.add_argument("--intentionqa", type=Path, required=True)
    one.add_argument("--pairs", type=int, default=30)
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--seed", type=int, default=17)
    two = commands.add_parser("throughput")
    two.add_argument("--shop", type=Path, required=True)
    two.add_argument("--in-flight", type=int, nargs="+", default=[1, 8, 64])
    two.add_argument("--requests", type=int, default=128)
    two.add_argument("--tokens", type=int, default=16)
    three = commands.add_parser("recognition")
    three.add_argument("--mined", type=Path, required=True)
    three.add_argument("--data", type=Path, required=True)
    three.add_argument("--folds", type=Path, required=True)
    four = commands.add_parser("critic")
    four.add_argument("--mined", type=Path, required=True)
    four.add_argument("--verdicts", type=Path, required=True)
    four.add_argument("--precision", type=float, nargs="+", default=[0.7, 0.8])
    four.add_argument("--draws", type=int, default=20)
    given = vars(parser.parse_args())
    known = {run.__name__: run for run in (catalogue, throughput, critic, recognition)}
    known[given.pop("command")](**given)
