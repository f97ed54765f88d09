"""Small statistics that several modules of the rules room share."""

from __future__ import annotations

import math


def wilson(hits: float, total: float, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share: (low, high); (0, 1) of nothing.

    Source: Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    """
    if total <= 0:
        return 0.0, 1.0
    share = hits / total
    spread = z * z / total
    centre = share + spread / 2
    reach = z * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, (centre - reach) / (1 + spread)), min(1.0, (centre + reach) / (1 + spread))
