"""The critic: it learns from verdicts, its threshold keeps what was asked, its precision is that of unseen pairs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kdsl.config import EncodersConfig, ModelConfig
from kdsl.encoders.registry import text_encoder
from kdsl.errors import BundleError, InputError
from kdsl.intentions.critic import Critic, Judged, curve_of, fit_critic
from kdsl.intentions.finish import finish
from kdsl.intentions.folder import Candidate, MiningFolder, PairTitles
from kdsl.intentions.settings import LocalConfig, MiningConfig
from kdsl.intentions.verdicts import fit_on_verdicts, write_sample

ENCODER = text_encoder(EncodersConfig().text[0])
GOOD = ("cook a warm meal outside", "make tea for friends", "sleep well on a trip", "泡一壶好茶", "在野外煮汤")
BAD = ("the same value", "a kind of thing", "related to the brand", "同一类东西", "与品牌有关")


def judged(n: int, seed: int = 0) -> tuple[list[Judged], list[bool], list[str]]:
    rng = np.random.default_rng(seed)
    ones, approved, pairs = [], [], []
    for number in range(n):
        good = bool(rng.random() < 0.4)
        tail = str(rng.choice(GOOD if good else BAD)) + f" {number}"
        ones.append(Judged("usedFor", tail, ("camping stove", "pot"), float(rng.normal())))
        approved.append(good != (rng.random() < 0.05))
        pairs.append(f"p{number // 3}")
    return ones, approved, pairs


def test_a_critic_tells_what_verdicts_tell(tmp_path: Path) -> None:
    critic = fit_critic(*judged(240), ENCODER, 0.85)
    ones, approved, _ = judged(120, seed=1)
    scores = critic.probabilities(ones, ENCODER)
    kept = scores >= critic.threshold
    assert np.array(approved)[kept].mean() > 0.8
    assert 30 < kept.sum() < 70
    critic.save(tmp_path)
    np.testing.assert_array_equal(Critic.load(tmp_path).probabilities(ones, ENCODER), scores)
    assert critic.probabilities([], ENCODER).shape == (0,)


def test_a_critic_that_is_half_written_is_refused(tmp_path: Path) -> None:
    fit_critic(*judged(120), ENCODER, 0.5).save(tmp_path)
    other = fit_critic(*judged(120, seed=2), ENCODER, 0.5)
    before = (tmp_path / "critic.json").read_bytes()
    other.save(tmp_path)
    (tmp_path / "critic.json").write_bytes(before)
    with pytest.raises(BundleError, match="different fits"):
        Critic.load(tmp_path)


def test_verdicts_that_do_not_do() -> None:
    ones, approved, pairs = judged(120)
    with pytest.raises(InputError, match="only 0 verdict"):
        fit_critic(ones, [True] * 120, pairs, ENCODER, 0.8)
    with pytest.raises(InputError, match="about 1 pair"):
        fit_critic(ones, approved, ["p"] * 120, ENCODER, 0.8)
    with pytest.raises(InputError, match=r"no threshold reaches a precision of 0\.99"):
        fit_critic(ones, np.random.default_rng(0).permutation(approved).tolist(), pairs, ENCODER, 0.99)


def test_the_curve_is_that_of_thresholds() -> None:
    probabilities, gold = np.array([0.9, 0.8, 0.7, 0.2]), np.array([True, False, True, False])
    curve = curve_of(probabilities, gold)
    for threshold, precision, recall, kept in zip(
        curve.thresholds, curve.precision, curve.recall, curve.kept, strict=True
    ):
        mask = probabilities >= threshold
        assert (mask.sum(), gold[mask].mean(), gold[mask].sum() / 2) == pytest.approx((kept, precision, recall))


@pytest.fixture
def folder(tmp_path: Path) -> MiningFolder:
    """A finished run of sixty pairs with four intentions each, one of which a rule has dropped."""
    rng = np.random.default_rng(7)
    folder = MiningFolder(tmp_path / "mined")
    pairs = [PairTitles(f"a{i}", f"b{i}", f"=stove {i}", f"锅 {i}") for i in range(60)]
    candidates = []
    for pair in pairs:
        for number in range(4):
            tail = str(rng.choice(GOOD if rng.random() < 0.5 else BAD)) + f" {rng.integers(1000)}"
            dropped = "copied" if number == 3 else None
            candidates.append(Candidate(pair.a, pair.b, f"r{number}", f"because {tail}", tail, dropped))
    folder.path.mkdir()
    folder.write_pairs(pairs)
    folder.write_candidates(candidates)
    for stage in ("features", "intentions"):
        folder.log(stage).__exit__()
    with folder.log("verdicts") as log:
        for one in candidates:
            if one.dropped is None:
                log.append(one.key, of="x", log_probs=[-0.5, -1.5 if one.relation != "r0" else 0.5], read=3, written=0)
    config = MiningConfig(local=LocalConfig(model=ModelConfig(source="tiny")))
    finish(folder, config, "tiny")
    return folder


def fill(file: Path, verdict: Callable[[str], str], only: int | None = None) -> None:
    """Judge a sample: write a verdict on each intention into its file."""
    with file.open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    for row in rows[:only]:
        row["verdict"] = verdict(row["intention"])
    with file.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def is_good(intention: str) -> bool:
    return any(good in intention for good in GOOD)


def test_from_a_sample_to_a_filtered_run(folder: MiningFolder, tmp_path: Path) -> None:
    before = folder.documents.read_text("utf-8").splitlines()
    assert len(before) == 120  # of 240, a rule has dropped 60 and the judge 60
    sample = tmp_path / "sample.csv"
    assert write_sample(folder, sample, 150, seed=3) == 150
    with pytest.raises(InputError, match="may hold verdicts"):
        write_sample(folder, sample, 150, seed=3)
    with sample.open(encoding="utf-8-sig", newline="") as cells:
        assert {row["title_a"][:3] for row in csv.DictReader(cells)} == {"'=s"}  # no spreadsheet calculates it
    fill(sample, lambda intention: "是" if is_good(intention) else "no")
    report = fit_on_verdicts(folder, [sample], 0.9, seed=0)
    after = [json.loads(line) for line in folder.documents.read_text("utf-8").splitlines()]
    assert 30 < len(after) < 100
    assert np.mean([is_good(document["title"]) for document in after]) > 0.9
    body = json.loads((folder.path / "report.json").read_text("utf-8"))
    filters = body["precision"]["unseen"]["filters"]
    assert filters["rules"]["kept"] == body["precision"]["unseen"]["verdicts"]
    assert filters["rules and critic"]["precision"] > filters["rules"]["precision"] + 0.2
    assert body["precision"]["seen"] + body["precision"]["unseen"]["verdicts"] == 150
    assert [row["filter"] for row in body["retention"]] == ["no answer", "copied", "judge", "critic"]
    assert body["retention"][-1]["left"] == len(after)
    assert "pairs that it has not seen" in report.read_text("utf-8")


def test_what_is_no_verdict(folder: MiningFolder, tmp_path: Path) -> None:
    sample = tmp_path / "sample.csv"
    write_sample(folder, sample, 40, seed=3)
    fill(sample, lambda _: "maybe", only=2)
    with pytest.raises(InputError, match=r"2 fault\(s\) in verdicts"):
        fit_on_verdicts(folder, [sample], 0.9, seed=0)
    folder.manifest.unlink()
    with pytest.raises(BundleError, match="not finished"):
        fit_on_verdicts(folder, [sample], 0.9, seed=0)
