"""Processes of kdsl do not run a user's script again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
print("the script")
from kdsl.child_processes import process_pool
from kdsl.words import normalise
with process_pool(2) as pool:
    print(sorted(pool.map(normalise, ["Rost", "RUST"])))
print(sys.modules["__main__"].SAME)
"""


def test_a_script_that_guards_nothing_runs_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"SAME = 'and still is'\n{SCRIPT}", "utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.stdout.splitlines(), done.stderr) == (["the script", "['rost', 'rust']", "and still is"], "")


def test_an_interactive_session_needs_no_file() -> None:
    done = subprocess.run(
        [sys.executable, "-"], input=f"SAME = 1\n{SCRIPT}", capture_output=True, text=True, check=False
    )
    assert (done.stdout.splitlines(), done.stderr) == (["the script", "['rost', 'rust']", "1"], "")
