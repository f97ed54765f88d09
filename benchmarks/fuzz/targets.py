"""What is fuzzed: functions that take any bytes. They pass where kdsl refuses in its own words, and raise otherwise.

Nothing here needs atheris: tests/benchmarks/test_fuzz.py runs every target over its seeds.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from kdsl.data.dialogue import IMAGE, clean_text, dialogue_body, format_turns, has_dialogue, parse_turns
from kdsl.data.readers import BadSample, load_task_files, read_rows
from kdsl.data.sample import Sample
from kdsl.errors import KdslError
from kdsl.rules.book import RuleBook
from kdsl.rules.grammar import GRAMMAR, parse
from kdsl.rules.groups import WordGroup
from kdsl.tasks import Task, load_task

TELL_TALES = ("Traceback", "site-packages", "object at 0x")
_TASKS = load_task_files([])
_FILE = Path(tempfile.mkdtemp(prefix="kdsl-fuzz-")) / "fuzzed"


def dialogue(content: bytes) -> None:
    """A dialogue's text: parsed turns are written and read back to the same speakers, and cleaned text is one line."""
    text = content.decode("utf-8", "replace")
    clean = clean_text(text)
    assert clean == " ".join(clean.split()), clean
    assert clean.count(IMAGE) == text.count(IMAGE), clean
    if not has_dialogue(text):
        return
    turns = parse_turns(dialogue_body(text))
    again = parse_turns(format_turns(turns))
    assert [turn.role for turn in again] == [turn.role for turn in turns], again


def literal(content: bytes) -> None:
    """The line of a literal, which reads back from what it is printed as."""
    groups = {"rust": WordGroup("rust", ("rust", "生锈"))}
    read = parse(content.decode("utf-8", "replace"), groups)
    assert parse(str(read), groups) == read, str(read)


def rules(content: bytes) -> None:
    """A rule book, which reads back from what it is written as."""
    book = RuleBook.parse(content.decode("utf-8", "replace"), "book.yaml")
    assert RuleBook.parse(book.text(), "book.yaml") == book, book.text()


def tasks(content: bytes) -> None:
    """A task file."""
    _FILE.write_bytes(content)
    task = load_task(_FILE)
    assert Task.model_validate_json(task.model_dump_json()) == task


def rows(content: bytes) -> None:
    """A file of samples of any kind that is told by its content; each row is a sample or a fault in words."""
    _FILE.write_bytes(content)
    for row in read_rows(_FILE, _TASKS):
        assert isinstance(row, Sample | BadSample)
        if isinstance(row, BadSample):
            assert not any(word in str(row) for word in TELL_TALES), str(row)


def tried(target: Callable[[bytes], None], content: bytes) -> None:
    """Run a target; a refusal in kdsl's words is no fault, if it names nothing of the code's inside."""
    try:
        target(content)
    except KdslError as error:
        _in_words(error)


def _in_words(error: KdslError) -> None:
    said = str(error)
    assert said.strip(), repr(error)
    assert not any(word in said for word in TELL_TALES), said


TARGETS: dict[str, Callable[[bytes], None]] = {
    "dialogue": dialogue,
    "rules": rules,
    "literal": literal,
    "tasks": tasks,
    "rows": rows,
}

_BOOK = """\
task: toy
labels: [退款, rust, other]
bias: {退款: 0.5}   # measured
groups:
  rust: [rust, "goes  brown", 生锈]
rules:
- id: refund   # the oldest one
  label: 退款
  when:
    all: [an OCR line contains 「 退款 」]
    none:
    - an OCR line contains 「结算」
  weight: 2.50
  origin: {how: edited}
- {id: rusty, label: rust, when: {any: [a user turn speaks of 〔rust〕]}, enabled: false}
"""
_TASK = """\
name: shop
input: dialogue
prompt: 顾客想要什么？
labels:
- {name: refund, zh: 退款, en: money back}
- name: "no"
  description: >
    any other
speakers: {user: [亲], agent: [店长]}
out_of_scope: none
"""
_ROWS = (
    '{"id": "1", "text": "会不会生锈", "label": "rust"}\n{"text": "ok"}\n',
    '[{"id": "2", "instruction": "<用户与客服的对话 START>\\n用户: 在吗\\n<用户与客服的对话 END>", '
    '"output": "", "image": []}]',
    '{"conversations": [{"from": "human", "value": "<image>hi"}, {"from": "gpt", "value": "rust"}], '
    '"images": ["a.png"]}',
    '{"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": '
    '{"url": "data:image/png;base64,AAAA"}}]}], "label": "refund"}',
    'text,label,image\n"a, b",rust,\n会不会生锈,,a.png\n',
    "text\tlabel\n用户: 在吗\\n客服: 在\trefund\n",
    'version: "3.1"\nnlu:\n- intent: refund\n  examples: |\n    - money [back](what)\n    - 退款\n',
    '{"history": [["hi", "hello"]], "input": "ok", "instruction": "?", "output": "rust"}',
    '{"prompt": "a", "completion": "rust"}\n',
    '{"data": {"text": "hi"}, "annotations": [{"result": [{"value": {"choices": ["rust"]}}]}]}\n',
)
SEEDS: dict[str, tuple[bytes, ...]] = {
    "dialogue": tuple(
        text.encode()
        for text in (
            "<用户与客服的对话 START>\n用户: 会不会生锈<image>\n客服: 亲，不会的/:^_^\n<用户与客服的对话 END>",
            "[10:00] 顾客：在吗\r\n客服 2024-05-01 10:00:31\n您好<br>【用户】 退款 https://shop.example/a?b=c#d",
            "user: C:\\new\\n and <b class='x'>bold</b> \"<http>\"\nagent2: ok\u2028user: \u200b【链接】",
            "用户: a<b and b>c</p><img src=a.png>\n\x1c客服: /:066/:xxx/:clock",
        )
    ),
    "rules": (
        _BOOK.encode(),
        b"task: a\nlabels: [x, y]\nrules: [{id: a, label: x, when: {all: [there are at least 1 OCR lines]}}]\n",
    ),
    "literal": tuple(line.replace("…", "rust").encode() for line in GRAMMAR),
    "tasks": (_TASK.encode(), b"name: a\ninput: picture\nprompt: '?'\nlabels: [{name: x}, {name: y}]\n"),
    "rows": tuple(text.encode() for text in _ROWS),
}
WORDS: dict[str, tuple[str, ...]] = {
    "dialogue": (
        *(
            "用户:",
            "客服:",
            "user:",
            "agent:",
            "【用户】",
            "<image>",
            "<http>",
            "<br>",
            "/:066",
            "\\n",
            "\\r\\n",
            "10:00",
        ),
        *(
            "<用户与客服的对话 START>",
            "<用户与客服的对话 END>",
            "https://",
            "\u2028",
            "\u2060",
            "\u200b",
            "\x1c",
            "2024-05-01",
        ),
    ),
    "rules": (
        *("task:", "labels:", "bias:", "groups:", "rules:", "schema:", "without_rules:", "- id:", "when:", "all:"),
        *("any:", "none:", "weight:", "enabled:", "origin:", "how:", "a user turn speaks of 〔rust〕", "? ", "|\n"),
        *("there are at most 3 OCR lines", ".nan", "1e999", "&a ", "*a", "<<: *a", "!!python/name:os ", "!!binary "),
    ),
    "literal": (
        *(
            "「",
            "」",
            "」」",
            "〔rust〕",
            "an OCR line",
            " in the top fifth",
            " reads ",
            " contains the word ",
            "a user turn",
        ),
        *(
            " speaks of ",
            "at least ",
            "at most ",
            " OCR lines",
            "hold a price",
            "a picture's ",
            "%",
            "the last user turn",
        ),
    ),
    "tasks": (
        *("name:", "input: dialogue", "prompt:", "labels:", "- {name:", "description:", "speakers:", "user:", "agent:"),
        *(
            "out_of_scope:",
            "&a ",
            "*a",
            "<<: *a",
            "!!int ",
            "!!binary ",
            "!!set",
            "? ",
            ">\n",
            "2024-99-99",
            "0x1f",
            "~",
        ),
    ),
    "rows": (
        *(
            '"id":',
            '"text":',
            '"label":',
            '"messages":',
            '"conversations":',
            '"role":',
            '"content":',
            '"image":',
            '"task":',
        ),
        *(
            '"instruction":',
            '"input":',
            '"output":',
            '"history":',
            '"data":',
            '"annotations":',
            "null",
            "[[",
            "{}",
            "nlu:",
        ),
        *("data:image/png;base64,", "1e999", "NaN", "\\ud800", "PK\x03\x04", "\ufeff", "text,label\n", "<image>"),
    ),
}
"""What a fuzzer may put in; each is one entry of libFuzzer's dictionary."""


def dictionary(name: str) -> str:
    """The words of a target in libFuzzer's format."""
    return "\n".join('"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"' for word in WORDS[name]) + "\n"


def report(name: str, content: bytes) -> str:
    """An input as text that stands in a test."""
    return f"{name}: {json.dumps(content.decode('utf-8', 'backslashreplace'), ensure_ascii=True)}"
