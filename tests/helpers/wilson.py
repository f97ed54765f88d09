"""Wilson's score interval as its paper states it, to hold other ways to compute it against."""

from __future__ import annotations

import math


def closed_form(hits: float, total: float, z: float) -> tuple[float, float]:
    """The interval (low, high) of a share; counts need not be whole (soft labels)."""
    share = hits / total
    spread = z * z / total
    centre = share + spread / 2
    reach = z * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, (centre - reach) / (1 + spread)), min(1.0, (centre + reach) / (1 + spread))
