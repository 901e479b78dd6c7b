#!/usr/bin/env bash
# @pulumi/pulumi 3.270.0: `Config.getNumber` takes the number at the beginning of a text and drops the rest.
#
# One would guess: a value that is no number is refused, as `getBoolean` refuses "True" and `getNumber` refuses "many".
# What happens: "5Gi" is 5, "1_000" is 1, "0x10" is 0, "2026-01-31" is 2026, "1,5" is 1.
# Who is hurt: whoever reads ports, replicas, limits or quotas of a stack by `requireNumber`: a slip of the pen deploys another number.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @pulumi/pulumi@3.270.0
cat >try.mjs <<'JS'
import * as pulumi from "@pulumi/pulumi";
const values = ["5Gi", "1_000", "0x10", "2026-01-31", "1,5", "many"];
pulumi.runtime.setAllConfig(Object.fromEntries(values.map((value, index) => [`shop:${index}`, value])));
const config = new pulumi.Config("shop");
for (const [index, value] of values.entries()) {
  try {
    console.log(`${value}: ${config.requireNumber(String(index))}`);
  } catch (error) {
    console.log(`${value}: refused`);
  }
}
JS
cat >expected <<'TEXT'
5Gi: 5
1_000: 1
0x10: 0
2026-01-31: 2026
1,5: 1
many: refused
TEXT
node try.mjs | tee seen
diff expected seen
echo "As described: @pulumi/pulumi 3.270.0."
