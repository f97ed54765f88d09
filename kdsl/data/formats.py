"""The row formats that kdsl reads, each turned into one neutral record.

- instruction rows: MIRE's `{id, instruction, input, output, image}`, and Alpaca's with `history`
- chats: `{conversations: [{from, value}], images}` (ShareGPT, LLaMA-Factory, Qwen-VL), `{messages: [{role, content}]}`
  whose content is text or a list of parts (OpenAI, Hugging Face, TRL)
- texts: `{text, label}` (SetFit, BANKING77, Doccano, tables), and Label Studio's exports

docs/data.md has the table of fields. A chat that gives no label has it in its last message, if that is the assistant's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any, Literal

from kdsl.data.dialogue import IMAGE, clean_text, dialogue_body, has_dialogue, parse_turns, require_user_turn
from kdsl.data.fields import PICTURES, Fields, kind, picture_name
from kdsl.data.sample import Turn
from kdsl.data.speakers import JOINER, Role, Speakers
from kdsl.errors import InputError

Say = Callable[..., None]
"""A callback that records a note about the row: (what, example)."""

TEXTS = ("text", "utterance", "sentence", "query", "文本", "问题", "内容")
CHATS = ("conversations", "messages", "conversation")
LAST_MESSAGE = "the last message"

_USERS = {"human", "user", "customer", "client"}
_AGENTS = {"gpt", "assistant", "agent", "bot", "model", "chatgpt"}
_SILENT = {
    "system": "system messages are not read",
    "developer": "system messages are not read",
    **dict.fromkeys(
        ("tool", "function", "function_call", "tool_call", "tool_calls", "observation", "ipython"),
        "calls and answers of tools are not read",
    ),
}
_LABEL_STUDIO = {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time"}
# possessive, as customers write what they like: a long run of spaces would else be parted in every way
_PICTURE_IN_TEXT = re.compile(
    r"(?:Picture \d+:\s*)?<img>\s*+(?P<tag>[^<>\n]++)\s*+</img>"
    r"|<img\s(?=[^<>]*+>)(?:[^<>]*?\s)?src\s*+=\s*+[\"']?+(?P<source>[^\"'\s<>]++)[\"']?+[^<>]*+>"
    r"|!\[[^\[\]\n]*\]\((?P<markdown>[^()\s]+)\)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Conventions:
    """The context in which rows are read: the names of speakers and of labels."""

    speakers: Speakers
    labels: Set[str]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; `raw` has `<image>` where a picture was."""

    role: Role
    raw: str


@dataclass(frozen=True, slots=True)
class Record:
    """A row independent of its format. The conversation is in `messages` (a chat) or in `text`."""

    id: str | None
    task: str | None
    images: tuple[str, ...]
    label: str | None
    label_from: str
    """The field that held the label, or `LAST_MESSAGE`."""
    text: str
    messages: tuple[Message, ...]
    speakers: Speakers

    @property
    def is_dialogue(self) -> bool:
        """Whether the row holds several turns, or says who speaks."""
        return has_dialogue(self.text, self.speakers) or len(self.messages) > 1

    @property
    def said(self) -> str:
        """The words of a row that is no dialogue, without placeholders of pictures."""
        text = self.messages[0].raw if self.messages else self.text
        return re.sub(r"Picture \d+:", "", text.replace(IMAGE, "")).strip()

    def turns(self) -> tuple[Turn, ...]:
        """The conversation, parsed from its text or taken from the messages; a text without a speaker is one turn.

        Raises:
            InputError: there is no turn, or none of the user.
        """
        if has_dialogue(self.text, self.speakers):
            return parse_turns(dialogue_body(self.text), self.speakers)
        messages = self.messages or (Message("user", self.text),)
        turns = tuple(Turn(message.role, clean_text(message.raw), message.raw) for message in messages)
        require_user_turn(turns)
        return turns


def parse_row(row: Any, conventions: Conventions, say: Say) -> Record:
    """Recognise a row's format and read it.

    Args:
        say: told what was seen and left alone.

    Raises:
        InputError: the row is not an object, has an unknown format, or a field of a wrong type.
    """
    if not isinstance(row, dict):
        raise InputError(f"expected an object with named fields, found {kind(row)}.")
    fields = Fields(_prompt_completion(_label_studio(row)))
    chat = next((name for name in CHATS if fields.has(name)), None)
    text = next((name for name in TEXTS if fields.has(name)), None)
    if chat:
        record = _chat(fields, chat, conventions, say)
    elif fields.has("instruction") or fields.has("input"):
        record = _instruction(fields, conventions, say)
    elif text:
        record = _record(fields, conventions, say, fields.text(text))
    elif "instruction" in fields or any(name in fields for name in (*TEXTS, *PICTURES)):
        record = _record(fields, conventions, say, "")
    else:
        found = next((name for name in ("conversations", "messages") if name in fields), None)
        if found:
            raise InputError(f"field '{found}' should be a list of messages, found {kind(row.get(found))}.")
        names = ", ".join(map(str, row)) or "none"
        raise InputError(
            "field 'instruction' (MIRE), 'conversations' (ShareGPT), 'messages' (OpenAI) or 'text' is missing; "
            f"found fields: {names}. If another one holds the text, name it as the text's column."
        )
    for name, value in fields.unread():
        is_label = isinstance(value, str) and value.strip() in conventions.labels
        say(f"field '{name}' is not read" + ("; it holds labels: call it 'label'" if is_label else ""))
    return record


def _label_studio(row: dict[str, Any]) -> dict[str, Any]:
    """A row of Label Studio's exports as `{text, image, label}`; other rows as they are."""
    data, annotations = row.get("data"), row.get("annotations")
    if isinstance(data, dict) and isinstance(annotations, list):
        kept = [a for a in annotations if isinstance(a, dict) and not a.get("was_cancelled")]
        listed = kept[0].get("result") if kept else None
        results = [r for r in listed if isinstance(r, dict)] if isinstance(listed, list) else []
        choices = [r["value"] for r in results if isinstance(r.get("value"), dict) and "choices" in r["value"]]
        if len(choices) > 1:
            raise InputError(f"has {len(choices)} choices in Label Studio's annotation; a sample has one label.")
        return {"id": row.get("id"), **data, "label": choices[0] if choices else None}
    if "annotator" in row or "annotation_id" in row:
        # JSON-MIN names each answer after its control; with one of them there is no doubt
        answers = [n for n in row if n not in _LABEL_STUDIO and not _is_content(n) and row[n]]
        if len(answers) == 1 and "label" not in row:
            rest = {name: value for name, value in row.items() if name not in _LABEL_STUDIO - {"id"}}
            return {"label" if name == answers[0] else name: value for name, value in rest.items()}
    return row


def _prompt_completion(row: dict[str, Any]) -> dict[str, Any]:
    """TRL's `{prompt, completion}`, each text or messages, as one chat; other rows as they are."""
    if not row.get("prompt") or not row.get("completion"):
        return row
    messages: list[Any] = []
    for name, role in (("prompt", "user"), ("completion", "assistant")):
        said = row[name]
        messages += said if isinstance(said, list) else [{"role": role, "content": said}]
    return {name: value for name, value in row.items() if name not in ("prompt", "completion")} | {"messages": messages}


def _is_content(name: str) -> bool:
    return name.lower() in (*TEXTS, "image", "images", "instruction", "messages", "conversations", "task")


def _record(
    fields: Fields,
    conventions: Conventions,
    say: Say,
    text: str,
    messages: tuple[Message, ...] = (),
    embedded: tuple[str, ...] = (),
    label: tuple[str | None, str] | None = None,
) -> Record:
    """The record of a row whose words have been read; pictures that stand in `text` are taken out."""
    if text:
        inside: list[str] = []
        text = _take_pictures(text, inside, say)
        embedded += tuple(inside)
    listed = fields.pictures()
    if listed and embedded and listed != embedded:
        raise InputError("pictures stand both in the messages and in 'images'; give them in one place.")
    found, source = fields.label(conventions.labels) if label is None else label
    task = fields.text("task") or None
    return Record(fields.id(), task, listed or embedded, found, source, text, messages, conventions.speakers)


def _instruction(fields: Fields, conventions: Conventions, say: Say) -> Record:
    instruction, given = fields.text("instruction"), fields.text("input")
    history = fields.get("history")
    if given and history is None and IMAGE not in instruction and not has_dialogue(instruction, conventions.speakers):
        # Alpaca: the instruction is the question put to a model, the input is what it is about
        if instruction:
            say("'instruction' beside an 'input' is taken for the question and not read", instruction[:40])
        return _record(fields, conventions, say, given)
    text = "\n".join(part for part in (instruction, given) if part)
    if fields.has("system"):
        fields.get("system")
        say(_SILENT["system"])
    if history is None:
        return _record(fields, conventions, say, text)
    if not isinstance(history, list) or any(
        not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(said, str) for said in pair)
        for pair in history
    ):
        raise InputError("field 'history' should be a list of pairs of texts: [what the user said, the answer].")
    embedded: list[str] = []
    roles: tuple[Role, Role] = ("user", "agent")
    said = [(role, words) for pair in history for role, words in zip(roles, pair, strict=True)]
    messages = tuple(Message(role, _take_pictures(words, embedded, say)) for role, words in [*said, (roles[0], text)])
    return _record(fields, conventions, say, "", messages, tuple(embedded))


def _chat(fields: Fields, field: str, conventions: Conventions, say: Say) -> Record:
    raw = fields.get(field)
    if not isinstance(raw, list):
        raise InputError(f"field '{field}' should be a list of messages, found {kind(raw)}.")
    if fields.has("system"):
        fields.get("system")
        say(_SILENT["system"])
    embedded: list[str] = []
    numbered = enumerate(raw, start=1)
    read = [_message(message, f"message {n} of '{field}'", conventions, embedded, say) for n, message in numbered]
    messages = [message for message in read if message]
    label, source = fields.label(conventions.labels)
    if label is None and messages and messages[-1].role == "agent":
        last = messages[-1].raw.strip()
        # a key for the label that holds none says 'not known', unless the last message is one
        if last in conventions.labels or not any(name in fields for name in ("label", "output")):
            label, source = last or None, LAST_MESSAGE
            messages.pop()
    # a single message may quote a whole dialogue in the challenge's notation
    text = messages[0].raw if len(messages) == 1 else ""
    return _record(fields, conventions, say, text, tuple(messages), tuple(embedded), (label, source))


def _message(message: Any, where: str, conventions: Conventions, embedded: list[str], say: Say) -> Message | None:
    """One chat message, or None for one that is no turn; its pictures are appended to `embedded`."""
    if not isinstance(message, dict):
        raise InputError(f"{where} should be an object, found {kind(message)}.")
    said_by = _first(message, "from", "role", "speaker", "sender")
    content = _first(message, "value", "content", "text")
    name = said_by.strip().lower() if isinstance(said_by, str) else ""
    calls = "tool_calls" if content is None and (message.get("tool_calls") or message.get("function_call")) else name
    if silent := _SILENT.get(calls):
        say(silent)
        return None
    role = _role(name, conventions.speakers)
    if role is None:
        raise InputError(
            f"{where} has role {said_by!r}; expected one of: human, user, gpt, assistant, system, tool, or the name "
            "of a speaker."
        )
    if isinstance(content, list):
        return Message(role, "".join(_part(part, where, embedded, say) for part in content))
    if not isinstance(content, str):
        raise InputError(f"{where} should hold text ('value' or 'content'), found {kind(content)}.")
    return Message(role, _take_pictures(content, embedded, say))


def _first(message: dict[str, Any], *keys: str) -> Any:
    return next((message[key] for key in keys if message.get(key) is not None), None)


def _role(name: str, speakers: Speakers) -> Literal["user", "agent"] | None:
    if name in _USERS:
        return "user"
    return "agent" if name in _AGENTS else speakers.role_of(name)


def _part(part: Any, where: str, embedded: list[str], say: Say) -> str:
    if isinstance(part, str):
        part = {"type": "text", "text": part}
    name = part.get("type") if isinstance(part, dict) else None
    if name in ("text", "input_text", "output_text") and isinstance(part.get("text"), str):
        # typed, not sent: where pictures are parts of their own, the word stands for none
        return _take_pictures(part["text"].replace(IMAGE, "[image]"), embedded, say)
    if name in ("image_url", "image", "input_image"):
        source = {key: value for key, value in part.items() if key != "type" and value}
        if source:
            embedded.append(picture_name(source, f"{where}: a picture"))
        return IMAGE  # without a source its picture stands in the row's list, as TRL has it
    raise InputError(f"{where} has a part that is neither text nor a picture (type {name!r}).")


def as_typed(text: str) -> str:
    """A text in which no picture is found: what would be read as one gets an invisible word joiner."""
    return _PICTURE_IN_TEXT.sub(lambda match: match[0][0] + JOINER + match[0][1:], text)


def _take_pictures(text: str, embedded: list[str], say: Say) -> str:
    """A text with `<image>` for each picture that it names by its path; the paths are appended to `embedded`."""

    def take(match: re.Match[str]) -> str:
        path = (match["tag"] or match["source"] or match["markdown"]).rstrip()
        if re.match(r"(?:https?:)?//", path):
            say("pictures that a text names by their web address are not read", path)
            return match[0]
        embedded.append(picture_name(path, "a picture in a text"))
        return IMAGE

    return _PICTURE_IN_TEXT.sub(take, text)
