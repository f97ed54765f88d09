"""What a language model is asked of an item: the official prompt, or the wording of each option as its answer.

The official prompts are those of `evaluation/prompt_utils.py` of HKUST-KnowComp/IntentionQA, mode `0shot`.
"""

from __future__ import annotations

from collections.abc import Sequence

from kdsl.evaluation.intentionqa.items import LETTERS, Item, plain
from kdsl.intentions.backends.base import Request

_ASKED = {
    1: "What is the most likely intention for buying them?",
    2: "What is the customer's most probable additional purchase?",
}
_NOTHING = {1: "A customer buys two products.", 2: "A customer buys a product."}
"""What a model that chats is told where nothing is known."""
_OPENINGS = {1: "A customer bought both products", 2: "The customer also bought"}
"""How an answer begins; an option goes on."""


def official_prompt(item: Item) -> str:
    """The official question, to be answered by a letter."""
    if item.task == 1:
        known = f"A customer buys {item.products[0]} and {item.products[1]}. "
    else:
        end = "" if item.intention.endswith(".") else "."
        known = f"A customer buys {item.products[0]}, {item.intention}{end}\n"
    options = "".join(f"{letter}. {option}\n" for letter, option in zip(LETTERS, item.options, strict=True))
    return f"{known}{_ASKED[item.task]}\n{options}Answer {' or '.join(LETTERS)} only without any other word."


def by_letter(item: Item, known: Sequence[str] = ()) -> Request:
    """The official prompt, weighing the four letters."""
    return Request(_with(known, official_prompt(item)), answers=LETTERS)


def by_wording(item: Item, chats: bool, known: Sequence[str] = ()) -> Request:
    """What is known, without options, weighing how each option's own wording goes on after it.

    Args:
        chats: whether the model answers questions; if not, it continues a text.
        known: intentions that a knowledge base holds of such products.
    """
    first, second = map(plain, item.products)
    if item.task == 1:
        facts = f"Product 1: {first}\nProduct 2: {second}"
    else:
        facts = f"Product: {first}\nReason: {plain(item.intention)}"
    facts = _with(known, facts)
    return _wording(item.task, f"{facts}\n{_ASKED[item.task]}" if chats else facts, item.options)


def bare(task: int, options: Sequence[str], chats: bool) -> Request:
    """The same where nothing is known of the products: what a wording alone is worth to the model."""
    return _wording(task, f"{_NOTHING[task]} {_ASKED[task]}" if chats else "", options)


def _wording(task: int, text: str, options: Sequence[str]) -> Request:
    return Request(text, opening=_OPENINGS[task], answers=tuple(f" {plain(option)}" for option in options))


def _with(known: Sequence[str], text: str) -> str:
    """A text after intentions that a knowledge base holds of such products."""
    if not known:
        return text
    return "What customers said of such products:\n" + "".join(f"- {line}\n" for line in known) + text
