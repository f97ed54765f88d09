"""The learning rate of pretraining: warm-up, constant, then decay to zero over the last quarter (WSD).

The stay needs no length in advance, so a run may be given minutes instead of steps: it stays until the time
that is left is what the fall takes. The number of steps it then has is recorded, and gives the same run again.
"""

from __future__ import annotations

from dataclasses import dataclass

WARM_UP = 100
"""Steps of the rise."""
FALL = 0.25
"""Share of all steps in which the rate falls."""


@dataclass
class Schedule:
    """The factor of the peak learning rate at each step; `steps` is None while only minutes are known."""

    steps: int | None
    minutes: float | None = None

    def factor(self, step: int) -> float:
        """Factor at `step`, counted from 0."""
        rise = min(1.0, (step + 1) / WARM_UP)
        if self.steps is None or step < self.fall_starts:
            return rise
        return rise * (self.steps - step) / (self.steps - self.fall_starts)

    @property
    def fall_starts(self) -> int:
        """The first step of the fall."""
        if self.steps is None:
            raise ValueError("the fall of a run that is given minutes starts when `tick` says so")
        return self.steps - round(self.steps * FALL)

    def tick(self, step: int, minutes: float) -> None:
        """Before each step of a run that was given minutes: fix the number of steps once it is time to fall."""
        if self.steps is None and self.minutes is not None and minutes >= self.minutes * (1 - FALL):
            self.steps = max(round(step / (1 - FALL)), step + 1)
