"""`Models`: the base models of a run by role (large and small), loaded on first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

from kdsl.config import Config
from kdsl.errors import ConfigError
from kdsl.machine import require_models

if TYPE_CHECKING:
    from kdsl.models.base import LoadedModel
    from kdsl.models.server_model import ServerModel

Role = Literal["large", "small"]
SERVED = "server-"
"""How the fingerprint of a model behind a server begins; it is of its name and config.json, not of its weights."""


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
            ConfigError: the config has none, it is behind a server, or it cannot score labels.
            MissingDependency: the packages that models need are not installed.
        """
        return self._load("large")

    @cached_property
    def server(self) -> ServerModel:
        """The large model behind the server that the config names; it is not asked yet.

        Raises:
            ConfigError, MissingDependency: as `ServerModel` raises them.
        """
        require_models()
        from kdsl.models.processors import open_processor
        from kdsl.models.server_model import ServerModel

        config = self.config.model("large")
        if config.server is None:
            raise ConfigError("this needs a large model behind a server, and the config names none (large.server).")
        return ServerModel(config, config.server, open_processor(config))

    @property
    def asked(self) -> LoadedModel | ServerModel:
        """The large model where it scores labels: behind its server, if it has one."""
        large = self.config.large
        return self.server if large is not None and large.server is not None else self.large

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
        own = {} if self.config.large is None else {"large": self.asked.fingerprint}
        own |= {} if self.config.small is None else {"small": self.small.fingerprint}
        return own | {name: models.asked.fingerprint for name, models in self.beside.items()}

    def narrowed(self, config: Config) -> Models:
        """The same models, as far as they are loaded, under settings that leave some out or ask them less."""
        other = Models(config)
        for role in ("large", "small"):
            if role in self.__dict__ and getattr(config, role) is not None:
                other.__dict__[role] = self.__dict__[role]
        if "server" in self.__dict__ and config.large is not None:
            other.__dict__["server"] = self.__dict__["server"]
        other.beside = {name: self.beside[name].narrowed(config.of_beside(name)) for name in config.beside}
        return other

    def _load(self, role: Role) -> LoadedModel:
        require_models()
        from kdsl.models.base import load_base
        from kdsl.models.guard import way_of

        config = self.config.model(role)
        if config.server is not None:
            raise ConfigError(
                f"this needs the weights of the {role} model, which is behind the server at {config.server.url}. "
                f"Leave out {role}.server to load '{config.source}' here."
            )
        loaded = load_base(config)
        way_of(loaded)  # a model that cannot score labels is refused before anything is trained on it
        return loaded
