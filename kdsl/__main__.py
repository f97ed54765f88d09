"""What the script `kdsl` and `python -m kdsl` start: the command line, which Ctrl-C ends with one line and code 130."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line; Ctrl-C counts from here on, also while modules are imported."""
    came = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(number)
        signal.default_int_handler(number, frame)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started this wants it ignored
        signal.signal(signal.SIGINT, interrupt)
    try:
        from kdsl.cli.main import main as run

        run()
    except BaseException:  # an import that is interrupted may raise anything
        if not came:
            raise
        sys.stderr.write("interrupted\n")
        sys.exit(128 + signal.SIGINT)  # as shells have it


if __name__ == "__main__":
    main()
