#!/usr/bin/env bash
# Nx 24.0.6 and Turborepo 2.11.11: a task that waits for one of another project is restored from the cache when that project has changed.
#
# One would guess: `dependsOn: ["schema:build"]` in web's target `build` means that a change of schema builds web anew, since web waits for
#   schema because it reads what that makes. So does Turborepo: by `dependsOn: ["schema#build"]`, schema is a part of the hash of web.
# What happens: to Nx it is an order alone. `nx build web` builds the changed schema and then restores what web was made from the old one, and
#   `nx show projects --affected` does not list web. It takes `implicitDependencies`, too.
# Who is hurt: repositories whose packages read what others generate without a dependency in package.json, most of all those that come
#   from Turborepo with the same settings: an image gets the client of an older schema, and CI, which builds what is affected, does not build it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export NX_DAEMON=false NX_NO_CLOUD=true NX_TUI=false NX_ISOLATE_PLUGINS=false TURBO_TELEMETRY_DISABLED=1 CI=1
mkdir -p packages/{web,schema}
cat >package.json <<'JSON'
{ "name": "shop", "private": true, "workspaces": ["packages/*"], "packageManager": "npm@11.0.0" }
JSON
cat >packages/schema/package.json <<'JSON'
{ "name": "schema", "version": "1.0.0", "scripts": { "build": "mkdir -p dist && cp text dist/text" } }
JSON
cat >packages/web/package.json <<'JSON'
{ "name": "web", "version": "1.0.0", "scripts": { "build": "mkdir -p dist && cp ../schema/dist/text dist/text" } }
JSON
cat >nx.json <<'JSON'
{ "targetDefaults": { "build": { "cache": true, "outputs": ["{projectRoot}/dist"] } } }
JSON
echo '{ "name": "web", "targets": { "build": { "dependsOn": ["schema:build"] } } }' >packages/web/project.json
cat >turbo.json <<'JSON'
{ "tasks": { "build": { "outputs": ["dist/**"] }, "web#build": { "dependsOn": ["schema#build"], "outputs": ["dist/**"] } } }
JSON
printf 'node_modules\ndist\n.nx\n.turbo\n' >.gitignore
npm install --no-audit --no-fund --silent --ignore-scripts --save-dev --save-exact nx@24.0.6 turbo@2.11.11
git init -q .
built() {
  # One tool's results are not the other's.
  rm -rf packages/*/dist
  for text in old new; do
    echo "$text" >packages/schema/text
    "${@:2}" >"$work/log" 2>&1 || cat "$work/log"
    echo "$1: schema is $(cat packages/schema/dist/text), web has $(cat packages/web/dist/text)"
  done
}
affected() {
  echo "affected by schema: $(npx nx show projects --affected --files=packages/schema/text | sort | paste -sd ' ')"
}
cat >expected <<'TEXT'
Turborepo: schema is old, web has old
Turborepo: schema is new, web has new
Nx: schema is old, web has old
Nx: schema is new, web has old
affected by schema: schema
Nx, implicitDependencies: schema is old, web has old
Nx, implicitDependencies: schema is new, web has new
affected by schema: schema web
TEXT
{
  built Turborepo npx turbo run build --filter=web
  built Nx npx nx build web
  affected
  echo '{ "name": "web", "implicitDependencies": ["schema"], "targets": { "build": { "dependsOn": ["schema:build"] } } }' >packages/web/project.json
  built "Nx, implicitDependencies" npx nx build web
  affected
} | tee seen
diff expected seen
echo "As described: Nx $(node -p 'require("nx/package.json").version'), Turborepo $(npx turbo --version)."
