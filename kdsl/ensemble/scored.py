"""Scores of every expert on samples that it has not seen, with gold labels: what fusion is fitted and judged on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kdsl.errors import InputError

_SCORES = "scores/"


@dataclass(frozen=True)
class Scored:
    """Of n samples of one task: ids, the column of each gold label, and each expert's scores [n, m].

    A row of NaN says that the expert abstained.
    """

    ids: tuple[str, ...]
    gold: np.ndarray
    scores: dict[str, np.ndarray]

    def save(self, file: Path) -> None:
        """Write an npz file, whole or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}")
        arrays = {_SCORES + name: matrix for name, matrix in self.scores.items()}
        np.savez_compressed(partial, ids=np.array(self.ids), gold=self.gold, **arrays)  # type: ignore[arg-type]
        partial.replace(file)

    @classmethod
    def load(cls, file: Path) -> Scored:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing or is no such file.
        """
        try:
            with np.load(file, allow_pickle=False) as found:
                scores = {name.removeprefix(_SCORES): found[name] for name in found.files if name.startswith(_SCORES)}
                return cls(tuple(found["ids"].tolist()), found["gold"], scores)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{file} holds no scores of experts ({error}); `kdsl crossval` writes them.") from error
