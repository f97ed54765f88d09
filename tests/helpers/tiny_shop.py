"""A bundle fitted once on tiny models of the real classes: two tasks, three labels each, four samples per label."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from kdsl.config import Config
from kdsl.config_file import load_config, load_tasks
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.fit import fit_bundle
from kdsl.evidence.types import Evidence
from kdsl.models.roles import Models
from kdsl.tasks import Task

ASKS = {
    "生锈": ("会不会生锈", "用久了生锈吗", "这个生锈么", "沾水会生锈吧"),
    "补货": ("几时补货呀", "还补货吗", "什么时候补货", "没货了 补货不"),
    "气泡": ("贴膜有气泡", "气泡挤不掉", "好多气泡呀", "怎么没有气泡"),
}
SCREENS = {
    "购物车": ("购物车(3)", "全选", "去结算"),
    "退款": ("退款成功", "退款金额", "协商历史"),
    "物流": ("运输中", "已揽收", "派送中"),
}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two tiny models, a config that names them, two tasks and one snippet a label."""
    from helpers.tiny_models import tiny_folder

    folder = tmp_path_factory.mktemp("shop")
    tiny_folder(folder / "large", seed=1)
    tiny_folder(folder / "small", seed=2)
    for name, given, labels in (("screen", "picture", SCREENS), ("ask", "dialogue", ASKS)):
        task = {
            "name": name,
            "input": given,
            "prompt": "这是什么？",
            "labels": [{"name": label, "zh": label, "en": label} for label in labels],
        }
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(task, allow_unicode=True), "utf-8")
    snippets = [
        {"id": f"s{i}", "task": "ask", "label": label, "kind": "faq", "title": asks[0], "text": "您好"}
        for i, (label, asks) in enumerate(ASKS.items())
    ]
    (folder / "snippets").mkdir()
    (folder / "snippets" / "faq.yaml").write_text(yaml.safe_dump(snippets, allow_unicode=True), "utf-8")
    config = {
        "tasks": ["screen.yaml", "ask.yaml"],
        "large": {"source": str(folder / "large"), "device": "cpu"},
        "small": {"source": str(folder / "small"), "device": "cpu"},
        "prompt": {"max_tokens": 160, "max_pixels": 3136},
        "training": {"epochs": 1, "lora_r": 2, "batch_size": 4},
        "rules": {"simulations": 40, "max_cues": 20, "occlusion_samples": 4},
        "knowledge": {"snippets": "snippets"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


@pytest.fixture(scope="session")
def config(shop: Path) -> Config:
    return load_config(shop / "config.yaml")


@pytest.fixture(scope="session")
def tasks(config: Config) -> list[Task]:
    return load_tasks(config)


@pytest.fixture(scope="session")
def samples(shop: Path) -> list[Evidence]:
    """24 labelled samples with real picture files."""
    from helpers.tiny_models import tiny_evidence

    found = []
    for label, words in SCREENS.items():
        for i in range(4):
            found.append(
                tiny_evidence(
                    shop, f"{label}{i}", task="screen", label=label, lines=(*words, f"{10 + i}:0{i}"), sizes=((56, 84),)
                )
            )
    for label, asks in ASKS.items():
        for i, ask in enumerate(asks):
            turns = (("user", "<image>"), ("agent", "您好"), ("user", ask))
            found.append(tiny_evidence(shop, f"{label}{i}", task="ask", label=label, turns=turns, sizes=((56, 56),)))
    return found


@pytest.fixture(scope="session")
def models(config: Config) -> Models:
    return Models(config)


class _Heard(logging.Handler):
    """Keeps what is said, without its time."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture(scope="session")
def said() -> Iterator[list[str]]:
    """What kdsl logs; a test clears it before what it listens to."""
    heard, logger = _Heard(), logging.getLogger("kdsl")
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(heard)
    yield heard.messages
    logger.removeHandler(heard)
    logger.setLevel(before)


@pytest.fixture(scope="session")
def fit(samples: list[Evidence], tasks: list[Task], config: Config, models: Models) -> Callable[[Path], Bundle]:
    return lambda folder: fit_bundle(samples, tasks, config, folder, models)


@pytest.fixture(scope="session")
def bundle(fit: Callable[[Path], Bundle], shop: Path) -> Bundle:
    return fit(shop / "bundle")
