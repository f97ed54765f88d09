#!/usr/bin/env bash
# Builds the wheel and the source distribution into dist/, looks into the wheel, and uses it in a clean environment.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf dist
"${PYTHON:-python3}" -m venv "$work/build"
"$work/build/bin/pip" install --quiet build
"$work/build/bin/python" -m build --outdir dist .
wheel=(dist/*.whl)
"$work/build/bin/python" - "${wheel[0]}" <<'PY'
import sys
import zipfile
from pathlib import Path

inside = set(zipfile.ZipFile(sys.argv[1]).namelist())
shipped = [path for name in ("configs", "rules", "knowledge_base") for path in Path(name).rglob("*") if path.is_file()]
wanted = {f"kdsl/resources/{path.as_posix()}" for path in shipped}
wanted |= {path.as_posix() for path in Path("kdsl").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
if missing := sorted(wanted - inside):
    sys.exit("the wheel lacks: " + ", ".join(missing))
if strange := sorted(name for name in inside - wanted if ".dist-info/" not in name):
    sys.exit("the wheel should not hold: " + ", ".join(strange))
print(f"{sys.argv[1]}: {len(inside)} files, {len(shipped)} of them shipped settings, rules and knowledge")
PY
"${PYTHON:-python3}" -m venv "$work/clean"
"$work/clean/bin/pip" install --quiet --constraint constraints.txt "${wheel[0]}[serve]"
cd "$work"  # nothing of the checkout may be found from here
printf 'text,label\n%s\n' "$(for n in 1 2 3 4 5 6; do echo "money back $n,refund"; echo "会不会生锈 $n,rust"; done)" > shop.csv
clean/bin/kdsl --version
clean/bin/kdsl rules list > /dev/null
clean/bin/kdsl fit --data shop.csv --out bundle
clean/bin/kdsl predict --bundle bundle --data shop.csv --out lines.jsonl
test "$(grep -c '"label"' lines.jsonl)" = 12
clean/bin/kdsl serve --help > /dev/null
echo "the wheel works in a clean environment"
