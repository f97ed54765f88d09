"""Synthetic dialogues: every intent, phrased in hundreds of ways within a shop's chat.

`write_dialogue(label, rng)` writes a whole dialogue, `ask(label, rng)` only one question; both are determined by the
generator `rng`. `labels()` are the supported labels. Phrases are data in phrases/, read on first use; no sentence is
from real chats.
"""

from kdsl.world.dialogues.writer import Dialogue, ask, labels, write_dialogue

__all__ = ["Dialogue", "ask", "labels", "write_dialogue"]
