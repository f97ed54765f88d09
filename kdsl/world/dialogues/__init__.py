"""The synthetic world's dialogues: every intent asked in hundreds of ways inside a shop's chat.

`write_dialogue(label, rng)` writes a whole dialogue, `ask(label, rng)` one question alone; both are
deterministic from the generator handed in, and `labels()` are those they know. Phrases live as data in phrases/,
read when the first is needed; no sentence is from real chats.
"""

from kdsl.world.dialogues.writer import Dialogue, ask, labels, write_dialogue

__all__ = ["Dialogue", "ask", "labels", "write_dialogue"]
