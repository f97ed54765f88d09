"""kdsl recognises what a shopper wants from a customer-service dialogue and its pictures, from a few labelled examples.

    from kdsl import Recognizer, Sample

Names are imported when they are first used: `import kdsl` loads no torch.
"""

from __future__ import annotations

import logging
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

logging.getLogger("kdsl").addHandler(logging.NullHandler())  # what kdsl says is shown where a program asks for it

# onnxruntime, which reads pictures, would note an id of this machine and what it does for its makers (1.31 and newer);
# it looks here when it is imported
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.2.0"

_HOME = {
    "Recognizer": "kdsl.recognizer",
    "Sample": "kdsl.data.sample",
    "Prediction": "kdsl.data.prediction",
    "KdslError": "kdsl.errors",
}
__all__ = ["KdslError", "Prediction", "Recognizer", "Sample", "__version__"]

if TYPE_CHECKING:
    from kdsl.data.prediction import Prediction
    from kdsl.data.sample import Sample
    from kdsl.errors import KdslError
    from kdsl.recognizer import Recognizer


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'kdsl' has no attribute '{name}'; it has {', '.join(__all__)}.")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
