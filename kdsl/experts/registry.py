"""The list of all experts, in the order of traces and reports. New ones are added here; settings add large models."""

from __future__ import annotations

from kdsl.config import Config
from kdsl.experts.base import Expert
from kdsl.experts.beside import further_large_expert
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


def all_experts(config: Config) -> list[type[Expert]]:
    """The experts with these settings, of which some do not serve every task."""
    return [*EXPERTS, *map(further_large_expert, config.beside)]


def experts_for(task: Task, config: Config) -> list[type[Expert]]:
    """The experts for a task with these settings."""
    return [expert for expert in all_experts(config) if expert.serves(task, config)]
