"""Whatever stands in a file of samples: a sample, or a fault in words; never an error of the code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kdsl.data.formats import CHATS, TEXTS
from kdsl.data.readers import BadSample, read_rows
from kdsl.data.sample import Sample
from kdsl.errors import InputError
from kdsl.tasks import Task

FIELDS = (
    *(*CHATS, *TEXTS, "id", "task", "label", "labels", "output", "answer", "input", "instruction", "history", "system"),
    *("image", "images", "picture", "prompt", "completion", "data", "annotations", "annotator", "annotation_id"),
)
PARTS = ("from", "value", "role", "content", "type", "text", "image_url", "url", "result", "choices", "tool_calls")
WORDS = (
    *(
        "用户: 在吗",
        "<用户与客服的对话 START>",
        "<用户与客服的对话 END>",
        "<image>",
        "user",
        "assistant",
        "system",
        "tool",
    ),
    *(
        "image_url",
        "data:image/png;base64,AAAA",
        "../../etc/passwd",
        "http://shop.example/a.png",
        "<img>a.png</img>",
        "",
    ),
)
NEAR = {"suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}

texts = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=()), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PARTS) | texts, inner, max_size=4),
    max_leaves=8,
)
rows = st.lists(st.dictionaries(st.sampled_from(FIELDS) | texts, values, max_size=5) | values, min_size=1, max_size=4)


def check(path: Path, tasks: list[Task]) -> None:
    try:
        found = list(read_rows(path, tasks))
    except InputError as error:
        said = str(error)
    else:
        assert all(isinstance(row, Sample) or (isinstance(row, BadSample) and row.message) for row in found)
        return
    assert str(path) in said


@given(rows)
@settings(**NEAR)  # type: ignore[arg-type]
def test_rows_of_any_values(tmp_path: Path, tasks: list[Task], rows: list[Any]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    check(path, tasks)
    path.write_text(json.dumps(rows), "utf-8")
    check(path, tasks)


@given(st.binary(max_size=200) | st.text(st.sampled_from('id,text;label\t"\n\r\ufeff[]{}:-| \0\u2028退'), max_size=80))
@settings(**NEAR)  # type: ignore[arg-type]
def test_files_of_any_bytes(tmp_path: Path, tasks: list[Task], content: bytes | str) -> None:
    path = tmp_path / "rows.csv"
    for head in ("", "text,label\n", "nlu:\n- intent: a\n  examples: |\n"):
        raw = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(head.encode() + raw)
        check(path, tasks)
