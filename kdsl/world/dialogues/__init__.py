"""The synthetic world's dialogues: every intent asked in hundreds of ways inside a shop's chat.

`write_dialogue(label, rng)` writes a whole dialogue, `ask(label, rng)` one question alone; both are
deterministic from the generator handed in. Phrases live as data in phrases/; no sentence is from real chats.
"""

from kdsl.world.dialogues.writer import Dialogue, ask, labels, write_dialogue

LABELS = labels()
"""The labels that can be written, sorted."""

__all__ = ["LABELS", "Dialogue", "ask", "write_dialogue"]
