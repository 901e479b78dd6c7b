#!/usr/bin/env bash
# Node.js 24 and Bash 5: a script that Node starts by `bash -c` with a pipe as standard input reads the user's ~/.bashrc first.
#
# One would guess: `bash -c` is not interactive and reads no startup file, so a pipeline's step sees only its own environment.
# What happens: Node makes its pipes as sockets. Bash takes a socket on standard input for a remote shell daemon and, where SHLVL is
#   unset or below 2, reads ~/.bashrc. What that prints is in the step's
#   output, and what it sets is in its environment. With standard input "ignore", or with a pipe made by a shell, it reads nothing.
# Who is hurt: CI engines and task runners written for Node that start steps with `stdio: "pipe"` from a service or a container,
#   where no shell has set SHLVL: aliases, paths and output of whoever owns the home directory get into builds.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node@24
mkdir home
echo 'echo "from bashrc"' >home/.bashrc
cat >try.mjs <<'JS'
import { spawnSync, spawn } from "node:child_process";
const env = { HOME: process.argv[2], PATH: process.env.PATH };
const run = (stdin) =>
  new Promise((done) => {
    const child = spawn("/bin/bash", ["-eo", "pipefail", "-c", "echo step"], { env, stdio: [stdin, "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk)).on("close", () => done(text.trim().replaceAll("\n", ", ")));
    child.stdin?.end();
  });
console.log(`pipe: ${await run("pipe")}`);
console.log(`ignore: ${await run("ignore")}`);
const shell = spawnSync("/bin/sh", ["-c", "true | /bin/bash -c 'echo step'"], { env, encoding: "utf8" });
console.log(`a shell's pipe: ${shell.stdout.trim()}`);
JS
cat >expected <<'TEXT'
pipe: from bashrc, step
ignore: step
a shell's pipe: step
TEXT
PATH="$work/node_modules/.bin:$PATH" node try.mjs "$work/home" | tee seen
diff expected seen
echo "As described: $(bash --version | head -n 1), Node.js $("$work/node_modules/.bin/node" --version)."
