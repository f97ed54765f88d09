"""`Models`: the base models of a run by role (large and small), loaded on first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

from kdsl.config import Config
from kdsl.machine import require_models

if TYPE_CHECKING:
    from kdsl.models.base import LoadedModel

Role = Literal["large", "small"]


class Models:
    """The base models that a config names; if both roles name the same weights, they share one object.

    A role may be absent (`large: null`). No model is loaded and torch is not imported before the first use.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.beside = {name: Models(config.of_beside(name)) for name in config.beside}
        """The models of `beside`, each as the large one of a run of its own."""

    @cached_property
    def large(self) -> LoadedModel:
        """The model that adapters are trained on.

        Raises:
            ConfigError: the config has none, or it cannot score labels.
            MissingDependency: the packages that models need are not installed.
        """
        return self._load("large")

    @cached_property
    def small(self) -> LoadedModel:
        """The model that guides the search for rules.

        Raises:
            ConfigError: the config has none.
            MissingDependency: the packages that models need are not installed.
        """
        large = self.config.large
        return self.large if large is not None and large.same_as(self.config.small) else self._load("small")

    @property
    def fingerprints(self) -> dict[str, str]:
        """Role or name in `beside` -> fingerprint of its weights, for those that are there; loads them."""
        roles: tuple[Role, ...] = ("large", "small")
        own = {role: getattr(self, role).fingerprint for role in roles if getattr(self.config, role) is not None}
        return own | {name: models.large.fingerprint for name, models in self.beside.items()}

    def narrowed(self, config: Config) -> Models:
        """The same models, as far as they are loaded, under settings that leave some out or ask them less."""
        other = Models(config)
        for role in ("large", "small"):
            if role in self.__dict__ and getattr(config, role) is not None:
                other.__dict__[role] = self.__dict__[role]
        other.beside = {name: self.beside[name].narrowed(config.of_beside(name)) for name in config.beside}
        return other

    def _load(self, role: Role) -> LoadedModel:
        require_models()
        from kdsl.models.base import load_base
        from kdsl.models.guard import way_of

        loaded = load_base(self.config.model(role))
        way_of(loaded)  # a model that cannot score labels is refused before anything is trained on it
        return loaded
