#!/usr/bin/env bash
# Nx 24.0.6: a glob in `implicitDependencies` leaves out the projects that their short names mean, and a name means more than the one project.
#
# One would guess: where `"data-a"` means the project @acme/data-a, `"data-*"` means it, too, and all that are called like it; and a name
#   means one project.
# What happens: a name that no project has is looked for as a word in the names of all: `data-a` means @acme/data-a and @old/data-a. A glob
#   has to mean the whole name: `data-*` means neither, and one that means nothing at all is no mistake. Once a project is really called
#   data-a, the name means that alone: those before are dependencies no more.
# Who is hurt: monorepos with scoped names, whose `nx affected` builds and tests too little after a name became a glob, or after a project was added,
#   without a word.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export NX_DAEMON=false NX_NO_CLOUD=true NX_TUI=false NX_ISOLATE_PLUGINS=false CI=1
echo '{ "name": "shop", "private": true, "workspaces": ["packages/*"] }' >package.json
echo '{}' >nx.json
project() {
  mkdir -p "packages/$1"
  echo "{ \"name\": \"$2\", \"version\": \"1.0.0\" }" >"packages/$1/package.json"
}
project web web
project a @acme/data-a
project b @acme/data-b
project c @old/data-a
npm install --no-audit --no-fund --silent --ignore-scripts --save-dev --save-exact nx@24.0.6
dependencies() {
  echo "{ \"name\": \"web\", \"implicitDependencies\": [\"$1\"] }" >packages/web/project.json
  npx nx graph --file="$work/graph.json" >log 2>&1 || cat log
  echo "$1: $(node -p 'JSON.parse(fs.readFileSync("graph.json", "utf8")).graph.dependencies.web.map(({ target }) => target).sort().join(" ") || "none"')"
}
cat >expected <<'TEXT'
data-a: @acme/data-a @old/data-a
data-*: none
@acme/data-*: @acme/data-a @acme/data-b
data-a: data-a
TEXT
{
  dependencies data-a
  dependencies 'data-*'
  dependencies '@acme/data-*'
  project d data-a
  dependencies data-a
} | tee seen
diff expected seen
echo "As described: Nx $(node -p 'require("nx/package.json").version')."
