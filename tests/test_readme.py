"""README's shell and Python blocks run, in order, in a folder that holds the files they name.

The settings are those of tiny models, in the place of `configs/nano.yaml`. README_zh.md has the same blocks.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from helpers.own_shop import noise
from helpers.running import running
from helpers.sample_files import input_file
from helpers.tiny_shop import ASKS, SCREENS
from PIL import Image

from kdsl.cli.main import cli
from kdsl.config_file import load_config, load_tasks
from kdsl.data.readers import read_samples
from kdsl.evidence.types import Evidence
from kdsl.serving.settings import ServerSettings

ROOT = Path(__file__).resolve().parents[1]
README, CHINESE = ROOT / "README.md", ROOT / "README_zh.md"
BLOCK = re.compile(r"^```(bash|python|json)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text("utf-8")) if found == language]


def code_lines(page: Path, language: str) -> list[str]:
    """The lines of all blocks without their comments."""
    lines = [line for text in blocks(page, language) for line in text.splitlines()]
    return [line.partition("  #")[0].rstrip() for line in lines if line.strip()]


def why_not_run(line: str) -> str | None:
    """Why a line of shell is only shown here; None for one that runs."""
    if line.split()[0] in {"pip", "make", "accelerate"}:
        return "it installs, or takes minutes"
    if "..." in line or "configs/qwen2-vl" in line or line == "kdsl doctor":
        return "it wants weights or a machine that a test does not have"
    if line.startswith("kdsl refit"):
        return "it wants what people corrected; tests/corrections has that"
    if line.startswith(("kdsl serve", "curl")):
        return "a server runs until it is stopped; it is asked below"
    return None


def takes_own_labels(line: str) -> bool:
    return re.search(r"--data (shop|faq)\.csv|--data photos", line) is not None


@pytest.fixture(scope="module")
def place(shop: Path, samples: list[Evidence], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with the files that README names."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "images").mkdir()
    for seed, evidence in enumerate(samples):
        for name in evidence.sample.images:
            noise(seed).save(folder / "images" / name)
    input_file(folder / "train.json", samples, [])
    (folder / "faq.md").write_text("# 铁锅会生锈吗\n擦干就不会。\n", "utf-8")
    (folder / "products.csv").write_text("商品名称,价格\n精铁炒锅,129\n", "utf-8")
    input_file(folder / "test.json", [samples[0], samples[-1]], [])
    for seed, name in enumerate(("pot.jpg", "screen.png")):
        noise(100 + seed).save(folder / name)
    config = yaml.safe_load((shop / "config.yaml").read_text("utf-8"))
    config["tasks"] = [str(shop / name) for name in config["tasks"]]
    config["knowledge"]["snippets"] = str(shop / "snippets")
    config["rules"] |= {"simulations": 5, "occlusion_samples": 1}
    (folder / "configs").mkdir()
    (folder / "configs" / "nano.yaml").write_text(yaml.safe_dump(config), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.mark.slow
def test_blocks_run(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = []
    for line in code_lines(README, "bash"):
        if why_not_run(line) is None and not takes_own_labels(line):
            program, *words = shlex.split(line)
            assert program == "kdsl", line
            result = CliRunner().invoke(cli, words)
            assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception!r}"
            ran.append(words[0])
    assert ran == ["fit", "predict", "evaluate", "ask", "rules", "knowledge", "knowledge"]
    assert (place / "report" / "report.html").is_file()
    asks_the_server(
        *(shlex.split(line) for line in code_lines(README, "bash") if line.startswith(("kdsl serve", "curl")))
    )
    capsys.readouterr()
    names: dict[str, object] = {}
    for text in blocks(README, "python"):
        exec(compile(text, "README.md", "exec"), names)  # the blocks of a page are one program
    said = capsys.readouterr().out.splitlines()
    label, probability, abstained = said[0].split()
    assert label in {*ASKS, *SCREENS}
    assert 0 < float(probability) <= 1
    assert abstained in {"True", "False"}
    assert said[1].startswith("sample 1, task ask: ")


def asks_the_server(serve: list[str], curl: list[str]) -> None:
    """What the two lines do, on a free port."""
    assert serve[:3] == ["kdsl", "serve", "--bundle"]
    with running(ServerSettings(bundle=Path(serve[3]))) as started:
        body = json.loads(curl[curl.index("-d") + 1])
        answer = started.client.post(curl[1].removeprefix("localhost:8000"), json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["prediction"]["label"] in {*ASKS, *SCREENS}


@pytest.mark.slow
def test_own_labels_need_no_more_than_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"delay": ("where is my parcel", "still not here"), "refund": ("money back", "pay me back")}
    rows = [f"{text} {number},{label}\n" for label, said in texts.items() for text in said for number in range(3)]
    (tmp_path / "shop.csv").write_text("text,label\n" + "".join(rows), "utf-8")
    (tmp_path / "faq.csv").write_text("question,topic\n" + "".join(rows), "utf-8")
    for label, colour in (("red", (200, 20, 20)), ("blue", (20, 20, 200))):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (60 + number, 80), colour).save(tmp_path / "photos" / label / f"{number}.png")
    (tmp_path / "configs").mkdir()
    light = {"extends": str(ROOT / "configs" / "nano.yaml"), "large": None, "small": None}
    (tmp_path / "configs" / "nano.yaml").write_text(yaml.safe_dump(light), "utf-8")
    monkeypatch.chdir(tmp_path)
    for line in filter(takes_own_labels, code_lines(README, "bash")):
        result = CliRunner().invoke(cli, shlex.split(line)[1:])
        assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception!r}"
    made = {path.name for path in (tmp_path / "runs").iterdir() if (path / "manifest.json").is_file()}
    assert made == {"own", "faq", "photos", "described"}


def test_the_line_in_is_read(tmp_path: Path) -> None:
    (given,) = (json.loads(text) for text in blocks(README, "json"))
    (tmp_path / "test.jsonl").write_text(json.dumps(given), "utf-8")
    (sample,) = read_samples(tmp_path / "test.jsonl", load_tasks(load_config(ROOT / "configs" / "nano.yaml")))
    assert (sample.id, sample.task, sample.label) == ("d1", "intent", "是否会生锈")
    assert [turn.role for turn in sample.turns] == ["user", "agent", "user"]


def test_the_chinese_page_has_the_same_blocks() -> None:
    for language in ("bash", "python", "json"):
        assert code_lines(CHINESE, language) == code_lines(README, language)


@pytest.mark.parametrize("page", [README, CHINESE, *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", page.read_text("utf-8"))  # what stands in code marks is no link
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    assert not [link for link in links if "://" not in link and not (page.parent / link).exists()]
