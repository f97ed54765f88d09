"""A refit in a process of its own, as a server starts it: `python -m kdsl.corrections.process BUNDLE FEEDBACK OUT`."""

from __future__ import annotations

import sys
from pathlib import Path

from kdsl.corrections.refit import refit
from kdsl.errors import KdslError
from kdsl.progress import show_messages


def main(bundle: str, feedback: str, out: str) -> int:
    """Make the candidate; messages and errors go to standard error."""
    show_messages()
    try:
        refit(Path(bundle), Path(feedback), Path(out))
    except KdslError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
