"""`Models`: the base models of a run by their roles, large and small, each loaded when it is first needed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

from kdsl.config import Config

if TYPE_CHECKING:
    from kdsl.models.base import LoadedModel

Role = Literal["large", "small"]


class Models:
    """The base models that a config names; one object where both roles name the same weights.

    A role may be absent (`large: null`). Nothing is loaded, and torch is not imported, before a role is asked for.
    """

    def __init__(self, config: Config) -> None:
        self.config = config

    @cached_property
    def large(self) -> LoadedModel:
        """The model that adapters are trained on.

        Raises:
            ConfigError: the config has none.
        """
        return self._load("large")

    @cached_property
    def small(self) -> LoadedModel:
        """The model that guides the search for rules.

        Raises:
            ConfigError: the config has none.
        """
        return self.large if self.config.small == self.config.large else self._load("small")

    @property
    def fingerprints(self) -> dict[str, str]:
        """Role -> fingerprint of its weights, for the roles that are there; loads them."""
        roles: tuple[Role, ...] = ("large", "small")
        return {role: getattr(self, role).fingerprint for role in roles if getattr(self.config, role) is not None}

    def _load(self, role: Role) -> LoadedModel:
        from kdsl.models.base import load_base

        return load_base(self.config.model(role))
