"""The row formats that kdsl reads, each turned into one neutral record.

- MIRE: `{id, instruction, input, output, image}`
- LLaMA-Factory / ShareGPT: `{conversations: [{from, value}], images}` (or `messages`, with `role`, `content`)
- OpenAI: `{messages: [{role, content: [{type: text | image_url, ...}]}]}` with local picture paths

A chat row may carry its label under `label`; else its last message, if the assistant's, is the label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from kdsl.data.dialogue import IMAGE, clean_text, dialogue_body, has_dialogue, parse_turns, require_user_turn
from kdsl.data.sample import Turn
from kdsl.errors import InputError

_CHAT_ROLES: dict[str, Literal["user", "agent"] | None] = {
    "human": "user",
    "user": "user",
    "gpt": "agent",
    "assistant": "agent",
    "system": None,
    "developer": None,
}


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; `raw` has `<image>` where a picture was."""

    role: Literal["user", "agent"]
    raw: str


@dataclass(frozen=True, slots=True)
class Record:
    """A row with its format taken away. Chat rows have `messages`, MIRE rows have `text`."""

    id: str | None
    task: str | None
    images: tuple[str, ...]
    label: str | None
    text: str
    messages: tuple[Message, ...]

    @property
    def is_dialogue(self) -> bool:
        """Whether the row holds a conversation with an agent, not just a question about a picture."""
        return has_dialogue(self.text) or len(self.messages) > 1

    def turns(self) -> tuple[Turn, ...]:
        """The conversation, parsed from its text or taken from the messages.

        Raises:
            InputError: there is no turn, or none of the user.
        """
        if not self.messages or has_dialogue(self.text):
            return parse_turns(dialogue_body(self.text))
        turns = tuple(Turn(message.role, clean_text(message.raw), message.raw) for message in self.messages)
        require_user_turn(turns)
        return turns


def parse_row(row: Any) -> Record:
    """Recognise a row's format and read it.

    Raises:
        InputError: the row is not an object, has an unknown format, or a field of a wrong type.
    """
    if not isinstance(row, dict):
        raise InputError(f"expected an object with named fields, found {_kind(row)}.")
    if "conversations" in row or "messages" in row:
        return _chat(row, "conversations" if "conversations" in row else "messages")
    if "instruction" in row:
        return _mire(row)
    fields = ", ".join(map(str, row)) or "none"
    raise InputError(
        "field 'instruction' (MIRE), 'conversations' (ShareGPT) or 'messages' (OpenAI) is missing; "
        f"found fields: {fields}."
    )


def _mire(row: dict[str, Any]) -> Record:
    text = "\n".join(part for part in (_text(row, "instruction"), _text(row, "input")) if part)
    names = _names(row, "image") or _names(row, "images")
    return Record(_id(row), _text(row, "task") or None, names, _text(row, "output").strip() or None, text, ())


def _chat(row: dict[str, Any], field: str) -> Record:
    raw = row[field]
    if not isinstance(raw, list) or not raw:
        raise InputError(f"field '{field}' should be a list of messages, found {_kind(raw)}.")
    embedded: list[str] = []
    read = (_message(message, number, field, embedded) for number, message in enumerate(raw, start=1))
    messages = [message for message in read if message]
    label = _text(row, "label").strip() or None
    if "label" not in row and messages and messages[-1].role == "agent":
        label = messages.pop().raw.strip() or None
    listed = _names(row, "images") or _names(row, "image")
    if listed and embedded:
        raise InputError("pictures stand both in the messages and in 'images'; give them in one place.")
    # a single message may quote a whole dialogue in the challenge's notation
    text = messages[0].raw if len(messages) == 1 else ""
    return Record(_id(row), _text(row, "task") or None, listed or tuple(embedded), label, text, tuple(messages))


def _message(message: Any, number: int, field: str, embedded: list[str]) -> Message | None:
    """One chat message, or None for a system prompt; picture parts are appended to `embedded`."""
    where = f"message {number} of '{field}'"
    if not isinstance(message, dict):
        raise InputError(f"{where} should be an object, found {_kind(message)}.")
    role = message.get("from", message.get("role"))
    if not isinstance(role, str) or role not in _CHAT_ROLES:
        raise InputError(f"{where} has role {role!r}; expected one of: {', '.join(_CHAT_ROLES)}.")
    speaker = _CHAT_ROLES[role]
    content = message.get("value", message.get("content"))
    if isinstance(content, list):
        raw = "".join(_part(part, where, embedded) for part in content)
    elif isinstance(content, str):
        raw = content
    else:
        raise InputError(f"{where} should hold text ('value' or 'content'), found {_kind(content)}.")
    return Message(speaker, raw) if speaker else None


def _part(part: Any, where: str, embedded: list[str]) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        # typed, not sent: where pictures are parts of their own, the word stands for none
        return str(part["text"]).replace(IMAGE, "[image]")
    if kind in ("image_url", "image"):
        source = part.get("image_url", part.get("image"))
        name = source.get("url") if isinstance(source, dict) else source
        if isinstance(name, str) and name:
            embedded.append(name)
            return IMAGE
    raise InputError(f"{where} has a part that is neither text nor a picture (type {kind!r}).")


def _id(row: dict[str, Any]) -> str | None:
    value = row.get("id")
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InputError(f"field 'id' should be text, found {_kind(value)}.")
    return str(value)


def _text(row: dict[str, Any], field: str) -> str:
    value = row.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"field '{field}' should be text, found {_kind(value)}.")
    return value


def _names(row: dict[str, Any], field: str) -> tuple[str, ...]:
    value = row.get(field)
    if value is None or value == "":
        return ()
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"field '{field}' should be a list of picture paths, found {_kind(value)}.")
    return tuple(names)


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list with something else in it" if value else "an empty list"
    names = {dict: "an object", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")
