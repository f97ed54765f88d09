"""kdsl: knowledge-decoupled synergetic learning for few-shot multimodal intent recognition."""

__version__ = "0.1.0"
