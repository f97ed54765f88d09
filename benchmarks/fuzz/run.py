"""Coverage-guided fuzzing of what kdsl parses, with atheris (`pip install atheris` into an environment of its own).

    python benchmarks/fuzz/run.py dialogue --seconds 600
    python benchmarks/fuzz/run.py rules --seconds 600     # rule books
    python benchmarks/fuzz/run.py literal --seconds 600   # the lines that rules are made of
    python benchmarks/fuzz/run.py tasks --seconds 600
    python benchmarks/fuzz/run.py rows --seconds 600      # files of samples
    python benchmarks/fuzz/run.py rules --again FILE      # one input again

What is found is written beside the corpus as `crash-...` or `timeout-...`, and the run ends with an error. An input
that takes over ten seconds counts as found. libFuzzer prints inputs and inputs per second at the end.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["kdsl", "yaml"]):
    import targets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=list(targets.TARGETS))
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="folder of the corpus and of what is found")
    parser.add_argument("--length", type=int, default=4096, help="bytes of the longest input")
    parser.add_argument("--again", type=Path, help="a file with one input")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    target = targets.TARGETS[arguments.target]
    if arguments.again:
        print(targets.report(arguments.target, arguments.again.read_bytes()))
        targets.tried(target, arguments.again.read_bytes())
        return
    folder = arguments.out / arguments.target
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(targets.SEEDS[arguments.target]):
        (corpus / f"seed-{number}").write_bytes(content)
    (folder / "words").write_text(targets.dictionary(arguments.target))
    options = [
        f"-max_total_time={arguments.seconds}",
        f"-max_len={arguments.length}",
        f"-dict={folder / 'words'}",
        f"-artifact_prefix={folder}/",
        "-timeout=10",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda content: targets.tried(target, content))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
