"""Fixtures of the rooms' faults."""

from helpers.quotas import quota

__all__ = ["quota"]
