#!/usr/bin/env bash
# npm 12.2.2 and pnpm 12.21.0: one workspace that is named behind what leaves it out takes back in all that was left out with it, or nothing.
#
# One would guess: of `packages/*`, `!packages/legacy-*`, `packages/legacy-api` the members are all but the legacy ones, and legacy-api. So a
#   .gitignore would be read, where the last line that means a path counts.
# What happens: npm drops a pattern with `!` wholly as soon as a later one means a part of what it leaves out: legacy-web is a member, too,
#   and is linked, tested and published with the others. pnpm reads the same list without order: legacy-api is none.
# Who is hurt: whoever keeps one package of several that are on their way out, and monorepos that go from npm to pnpm with the same list:
#   `--workspaces` runs scripts in what was left out, or a `workspace:` dependency is not found.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir tools
cd tools
npm init -y >/dev/null
npm install --no-audit --no-fund --silent --ignore-scripts npm@12.2.2 pnpm@12.21.0 node@24
cd ..
export PATH="$work/tools/node_modules/.bin:$PATH"
for name in web legacy-api legacy-web; do
  mkdir -p "shop/packages/$name"
  echo "{\"name\":\"$name\",\"version\":\"1.0.0\"}" >"shop/packages/$name/package.json"
done
cd shop
members() {
  echo "{\"name\":\"shop\",\"version\":\"1.0.0\",\"private\":true,\"workspaces\":$1}" >package.json
  echo "npm $1: $(npm pkg get name --workspaces --json | node -p 'Object.keys(JSON.parse(fs.readFileSync(0, "utf8"))).sort().join(" ")')"
  echo "{\"packages\":$1}" >pnpm-workspace.yaml
  echo "pnpm $1: $(pnpm -r ls --depth -1 --json | node -p 'JSON.parse(fs.readFileSync(0, "utf8")).map(({ name }) => name).filter((name) => name !== "shop").sort().join(" ")')"
  rm pnpm-workspace.yaml
}
cat >../expected <<'TEXT'
npm ["packages/*","!packages/legacy-*"]: web
pnpm ["packages/*","!packages/legacy-*"]: web
npm ["packages/*","!packages/legacy-*","packages/legacy-api"]: legacy-api legacy-web web
pnpm ["packages/*","!packages/legacy-*","packages/legacy-api"]: web
TEXT
{
  members '["packages/*","!packages/legacy-*"]'
  members '["packages/*","!packages/legacy-*","packages/legacy-api"]'
} | tee ../seen
diff ../expected ../seen
echo "As described: npm $(npm --version), pnpm $(pnpm --version)."
