"""Error classes. Each message says what was found, where, what was expected and what to do.

Only `kdsl.cli` and a server turn them into exit codes and responses; all other packages raise them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


class KdslError(Exception):
    """Base class of all errors that a user can cause and fix. The command line exits with `exit_code`."""

    exit_code = 1


class InputError(KdslError):
    """Input data is missing, broken or not allowed (file, picture, sample, label, path)."""

    exit_code = 2


class ConfigError(KdslError):
    """A configuration or task file has errors; the message lists all of them."""

    exit_code = 2


class BundleError(KdslError):
    """A bundle is incomplete or damaged, or was fitted for other labels or another base model."""

    exit_code = 3


class BudgetError(KdslError):
    """A model call would exceed the limit on calls, output tokens or parameters per sample."""

    exit_code = 4


class MissingDependency(KdslError):
    """An optional package or the weights of a model are not on this machine."""

    exit_code = 5


class ServerError(KdslError):
    """The server that a model is behind gives no answer, or none that can be used."""

    exit_code = 6


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with a leading space, such as ' Did you mean 退款页面?', or '' if no known word is close."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else ""


def faults_of(error: ValidationError) -> list[str]:
    """The messages of a pydantic error, each with its location: 'labels.2.zh: Field required'."""
    return [f"{'.'.join(map(str, fault['loc'])) or 'all of it'}: {fault_message(fault)}" for fault in error.errors()]


def fault_message(fault: ErrorDetails) -> str:
    """What is wrong with a value, by pydantic, and the value."""
    message, value = fault["msg"].removeprefix("Value error, "), fault["input"]
    if fault["type"] == "string_type" and isinstance(value, bool | int | float | date):
        return f"expected a text, found {value}, which YAML reads as something else; put it in quotes"
    if fault["type"] == "value_error" or not isinstance(value, str | bool | int | float | None):
        return message
    return f"{message}; found {value!r}"
