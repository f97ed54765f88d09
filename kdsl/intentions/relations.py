"""`Relation`: one way in which two products that are bought together are tied, with its wording in each language."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from kdsl.errors import ConfigError, faults_of
from kdsl.runs import listed
from kdsl.yaml_files import Loader, read_text

Language = Literal["en", "zh"]

_ALIKE = 0.9
"""Names that are alike to this degree are taken for misprints of each other."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation: its name, and the words after which an intention says what ties the products."""

    name: str
    en: str
    zh: str

    def wording(self, language: Language) -> str:
        """The words in a language."""
        return self.en if language == "en" else self.zh


class _Wordings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    en: str
    zh: str


def load_relations(path: Path) -> list[Relation]:
    """The relations of a YAML file, name -> {en, zh}.

    Raises:
        ConfigError: lists all faults: a relation without wording (as MIND's `open`), one that is called almost as
            another (as MIND's `propertOf` and `propertyOf`) or asks with another's words, so that each pair would be
            asked the same twice.
    """
    try:
        raw = yaml.load(read_text(path, "relations"), Loader)  # a safe loader
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(raw, dict) or not raw:
        raise ConfigError(f"{path}: expected relations, each as NAME: {{en: wording, zh: wording}}.")
    found: list[Relation] = []
    faults: list[str] = []
    for name, wordings in raw.items():
        try:
            given = _Wordings.model_validate(wordings)
        except ValidationError as error:
            faults += [f"{name}: {fault}" for fault in faults_of(error)]
            continue
        relation = Relation(str(name), given.en.strip(), given.zh.strip())
        faults += [f"{name}: {fault}" for fault in _faults(relation, found)]
        found.append(relation)
    if faults:
        raise ConfigError(f"{path}: {len(faults)} fault(s) in relations:\n{listed(faults, most=len(faults))}")
    return found


def _faults(relation: Relation, others: list[Relation]) -> list[str]:
    faults = []
    if empty := [language for language in ("en", "zh") if not getattr(relation, language)]:
        faults.append(
            f"has no wording ({', '.join(empty)}): an intention that is asked for by nothing may say anything"
        )
    close = difflib.get_close_matches(relation.name, [other.name for other in others], n=1, cutoff=_ALIKE)
    if close:
        faults.append(f"is called almost as '{close[0]}'; is one of them a misprint?")
    for other in others:
        if same := [word for word in (relation.en, relation.zh) if word and word in (other.en, other.zh)]:
            faults.append(f"asks with the words of '{other.name}' ({same[0]})")
    return faults
