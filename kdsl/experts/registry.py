"""The experts of kdsl, in the order in which traces and reports list them. A new one is added here."""

from __future__ import annotations

from kdsl.config import Config
from kdsl.experts.base import Expert
from kdsl.experts.large import LargeExpert
from kdsl.experts.layout import LayoutExpert
from kdsl.experts.lexical import LexicalExpert
from kdsl.experts.retrieval import RetrievalExpert
from kdsl.experts.rules import RulesExpert
from kdsl.experts.semantic import SemanticExpert
from kdsl.tasks import Task

EXPERTS: tuple[type[Expert], ...] = (
    LargeExpert,
    RulesExpert,
    RetrievalExpert,
    LexicalExpert,
    SemanticExpert,
    LayoutExpert,
)


def experts_for(task: Task, config: Config) -> list[type[Expert]]:
    """Those that serve a task under these settings."""
    return [expert for expert in EXPERTS if expert.serves(task, config)]
