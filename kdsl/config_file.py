"""Config files: YAML with `extends`, then overrides `key.path=value`; all faults are reported together.

Paths in a config file are relative to that file.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from kdsl.config import NANO, Config, merged
from kdsl.errors import ConfigError, InputError
from kdsl.machine import missing_models
from kdsl.resources import resource
from kdsl.tasks import Task, load_task
from kdsl.yaml_files import Loader, read_text

Settings = TypeVar("Settings", bound=BaseModel)

log = logging.getLogger(__name__)

_PATHS = (("knowledge", "snippets"), ("rules", "books"), ("training", "augment", "synonyms"), ("relations",))
"""Settings whose value is the path of a file or folder."""


def find_config(path: str | Path) -> Path:
    """The path of a config file: the file itself if it exists, else the shipped one ('configs/nano.yaml')."""
    given = Path(path)
    if given.is_file():
        return given
    try:
        return resource(str(path))
    except InputError:
        shipped = ", ".join(sorted(f"configs/{p.name}" for p in resource("configs").glob("*.yaml")))
        raise ConfigError(f"config file '{path}' does not exist; shipped: {shipped}.") from None


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """The settings of a run; see `load_settings`.

    Where the packages of `kdsl[models]` are not installed, the embedded model is left out, and the log says so.

    Raises:
        ConfigError: one line per fault.
    """
    return _without_missing_models(load_settings(Config, path, overrides))


def load_settings(kind: type[Settings], path: str | Path, overrides: Sequence[str] = ()) -> Settings:
    """Read a config file with the files it extends, and apply `key.path=value` overrides; paths become absolute.

    Raises:
        ConfigError: one line per fault.
    """
    file = find_config(path)
    raw = _read(file, ())
    faults: list[str] = []
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            faults.append(f"override '{override}': expected key.path=value")
            continue
        node = raw
        *parents, leaf = key.split(".")
        for parent in parents:
            if node.get(parent) is None:  # a section that is null, such as `small: null`, begins with this setting
                node[parent] = {}
            node = node[parent]
            if not isinstance(node, dict):
                faults.append(f"override '{override}': '{parent}' is a value, not a section")
                break
        else:
            try:
                node[leaf] = yaml.load(value, Loader)  # a safe loader
            except yaml.YAMLError as error:
                faults.append(f"override '{override}': the value is not YAML: {error}")
    try:
        settings = kind.model_validate(raw)
    except ValidationError as error:
        faults += [_fault(kind, dict(fault)) for fault in error.errors()]
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise ConfigError(f"{file}: {len(faults)} fault(s):\n{listed}")
    return settings


def _without_missing_models(config: Config) -> Config:
    given = {"large": config.large, "small": config.small}
    embedded = [role for role, model in given.items() if model is not None and model.source == NANO]
    missing = missing_models() if embedded else []
    if not missing:
        return config
    log.warning("%s left out: install kdsl[models] (without %s)", " and ".join(embedded), ", ".join(missing))
    return config.model_copy(update=dict.fromkeys(embedded))


def load_tasks(config: Config) -> list[Task]:
    """The tasks of a config, in its order."""
    tasks = [load_task(Path(name)) for name in config.tasks]
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        raise ConfigError(f"two task files have the same name: {', '.join(names)}")
    return tasks


def _read(file: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """One YAML file merged over the file that it extends; relative paths are resolved against the file."""
    file = file.resolve()
    if file in seen:
        raise ConfigError(f"{file}: extends itself by way of {' -> '.join(p.name for p in seen)}")
    try:
        raw = yaml.load(read_text(file, "YAML"), Loader) or {}  # a safe loader
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{file}: cannot be read as YAML: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}: expected a mapping of settings, found {type(raw).__name__}")
    base = raw.pop("extends", None)
    if isinstance(raw.get("tasks"), list):
        raw["tasks"] = [str((file.parent / str(task)).resolve()) for task in raw["tasks"]]
    further = raw.get("beside")
    for section in (raw, *(further.values() if isinstance(further, dict) else ())):
        for *parents, leaf in _PATHS:
            node: Any = section
            for parent in parents:
                node = node.get(parent) if isinstance(node, dict) else None
            if isinstance(node, dict) and leaf in node:
                node[leaf] = str((file.parent / str(node[leaf])).resolve())
    if not base:
        return raw
    beside = file.parent / str(base)
    return merged(_read(beside if beside.is_file() else find_config(str(base)), (*seen, file)), raw)


def _fault(kind: type[BaseModel], fault: dict[str, Any]) -> str:
    where = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        part: Any = kind
        for key in (key for key in fault["loc"][:-1] if key in part.model_fields):  # else a name in `beside`
            given = part.model_fields[key].annotation
            part = next(one for one in (*get_args(given), given) if hasattr(one, "model_fields"))
        close = difflib.get_close_matches(str(fault["loc"][-1]), list(part.model_fields), n=1)
        return f"{where}: no such setting" + (f"; did you mean '{close[0]}'?" if close else "")
    return f"{where}: {fault['msg']} (found {fault['input']!r})"
