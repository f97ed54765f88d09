"""Errors for people: each says what was found, where, what was expected and what to do.

Only `kdsl.cli` and a server turn them into exit codes and responses; every other room raises them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class KdslError(Exception):
    """Base of every error that a user can cause and mend. `exit_code` is the command line's."""

    exit_code = 1


class InputError(KdslError):
    """Data handed in is missing, broken or not allowed (file, picture, sample, label, path)."""

    exit_code = 2


class ConfigError(KdslError):
    """A configuration or task file holds faults; the message lists all of them."""

    exit_code = 2


class BundleError(KdslError):
    """A bundle is incomplete, damaged, or was made for other labels or another base model."""

    exit_code = 3


class BudgetError(KdslError):
    """A call would pass the limits of calls, output tokens or parameters of one sample."""

    exit_code = 4


class MissingDependency(KdslError):
    """An optional package or a model's weights are not on this machine."""

    exit_code = 5


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that starts with a space, or nothing: ' Did you mean 退款页面?'."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else ""


def faults_of(error: ValidationError) -> list[str]:
    """What pydantic found wrong, each fault with its place: 'labels.2.zh: Field required'."""
    return [
        f"{'.'.join(map(str, fault['loc'])) or 'all of it'}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    ]
