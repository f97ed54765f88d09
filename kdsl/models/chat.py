"""`ChatFrame`: the tokens that a model's chat template puts around a user's message, determined once per model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from kdsl.errors import ConfigError
from kdsl.models.special_tokens import Neutraliser

_MARK = "正文"


class ChatFrame:
    """Token ids before and after a user's message and around a picture, and the token that ends a turn.

    Prompts are assembled from token lists instead of rendering the template for every sample. That saves time, gives
    exact token counts, and shows where the shared prefix of a sample's calls ends. It relies on a property of the
    tokenizers, which is tested: no token spans a line break and the text after it.

    A text-only model (factor 0) has no pictures, and perhaps no template: then the answer follows on a line of its own,
    and the token that ends a text ends it.

    Args:
        processor: the model's processor; of a text-only model, its tokenizer.
    """

    def __init__(self, processor: Any, factor: int) -> None:
        self.tokenizer = processor.tokenizer if factor else processor
        self.factor = factor
        """Side, in pixels, of the square that one picture token covers; 0 for a model that sees none."""
        self.before_picture: list[int] = []
        self.after_picture: list[int] = []
        self.picture_token = -1
        if factor:
            self._use_processors_template(processor)
        elif self.tokenizer.chat_template:
            self._use_tokenizers_template()
        else:
            self._use_no_template()
        self.special_ids = frozenset(self.tokenizer.added_tokens_decoder)
        self.neutralise = Neutraliser(self.tokenizer)

    def _use_processors_template(self, processor: Any) -> None:
        """The frame of a message with pictures."""
        before, after = self._render(processor, 0).split(_MARK)
        pictures = [self._render(processor, n)[len(before) :].split(_MARK)[0] for n in (1, 2)]
        image = processor.image_token
        if pictures[1] != pictures[0] * 2 or pictures[0].count(image) != 1 or not before.endswith("\n"):
            raise ConfigError(
                "this model's chat template is not one kdsl understands: it expects each picture as the same "
                f"text round one {image}, first in a user's message; two pictures gave {pictures[1]!r}."
            )
        around = pictures[0].split(image)
        self.before, self.after = self.ids([before, after])
        self.before_picture, self.after_picture = self.ids(around)
        self.picture_token = int(self.tokenizer.convert_tokens_to_ids(image))
        self.end_of_turn = self.after[0]

    def _use_tokenizers_template(self) -> None:
        """The frame of a message to a text-only model."""
        message = [{"role": "user", "content": _MARK}]
        around = str(self.tokenizer.apply_chat_template(message, **_options(self.tokenizer))).split(_MARK)
        if len(around) != 2 or not around[1]:
            raise ConfigError(
                "this model's chat template is not one kdsl understands: it expects a user's message once, and the "
                f"token that ends a turn behind it; the message {_MARK} gave {_MARK.join(around)!r}."
            )
        self.before, self.after = self.ids(around)
        self.end_of_turn = self.after[0]

    def _use_no_template(self) -> None:
        """The frame of a text to a text-only model that was not trained to chat."""
        if self.tokenizer.eos_token_id is None:
            raise ConfigError("this model's tokenizer has neither a chat template nor a token that ends a text.")
        self.before, self.after = self.ids([self.tokenizer.bos_token or "", "\n"])
        self.end_of_turn = int(self.tokenizer.eos_token_id)

    @staticmethod
    def _render(processor: Any, pictures: int) -> str:
        content = [{"type": "image"}] * pictures + [{"type": "text", "text": _MARK}]
        messages = [{"role": "user", "content": content}]
        return str(processor.apply_chat_template(messages, **_options(processor)))

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, without special tokens."""
        if not texts:
            return []
        # verbose=False: no warning of texts beyond the model's length, since what is too long is cut afterwards
        found = self.tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False)
        return list(found["input_ids"])

    def count(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text. For texts that end in a line break, the counts of joined texts add up."""
        return [len(ids) for ids in self.ids(texts)]

    def picture_ids(self, tokens: int) -> list[int]:
        """Token ids of a picture of `tokens` picture tokens, including those that the template puts around it."""
        return [*self.before_picture, *[self.picture_token] * tokens, *self.after_picture]

    @property
    def picture_overhead(self) -> int:
        """Number of tokens around one picture."""
        return len(self.before_picture) + len(self.after_picture)


def _options(templated: Any) -> dict[str, Any]:
    """Arguments of `apply_chat_template` of a processor or tokenizer, which warns of those that its template lacks."""
    # the templates of Qwen3 and Qwen3.5 then end with an empty thought: the label follows at once
    thought = {"enable_thinking": False} if "enable_thinking" in str(templated.chat_template) else {}
    return {"add_generation_prompt": True, "tokenize": False, **thought}


class Framed(Protocol):
    """A model that prompts are made for, loaded (`LoadedModel`) or behind a server (`ServerModel`)."""

    processor: Any
    caches: dict[str, Any]

    @property
    def factor(self) -> int:
        """As `ChatFrame` takes it."""


def frame_of(loaded: Framed) -> ChatFrame:
    """The chat frame of a model, created on first use."""
    if "frame" not in loaded.caches:
        loaded.caches["frame"] = ChatFrame(loaded.processor, loaded.factor)
    frame: ChatFrame = loaded.caches["frame"]
    return frame
