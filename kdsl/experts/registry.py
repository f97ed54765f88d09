"""The list of all experts, in the order of traces and reports. New experts are added here."""

from __future__ import annotations

from kdsl.config import Config
from kdsl.experts.base import Expert
from kdsl.experts.large import LargeExpert
from kdsl.experts.layout import LayoutExpert
from kdsl.experts.lexical import LexicalExpert
from kdsl.experts.retrieval import RetrievalExpert
from kdsl.experts.rules import RulesExpert
from kdsl.experts.semantic import SemanticExpert
from kdsl.experts.visual import VisualExpert
from kdsl.tasks import Task

EXPERTS: tuple[type[Expert], ...] = (
    LargeExpert,
    RulesExpert,
    RetrievalExpert,
    LexicalExpert,
    SemanticExpert,
    LayoutExpert,
    VisualExpert,
)


def experts_for(task: Task, config: Config) -> list[type[Expert]]:
    """The experts for a task with these settings."""
    return [expert for expert in EXPERTS if expert.serves(task, config)]
