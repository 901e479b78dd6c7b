#!/usr/bin/env bash
# @circleci/circleci-config-sdk 0.12.5: the `pre-steps` and `post-steps` of a job in a workflow lose the names of their commands.
#
# One would guess: the same command objects give the same YAML in a job's `steps` and in a workflow's `pre-steps`.
# What happens: in `steps`, `new commands.Checkout()` is `checkout` and Run is `run: {command: make}`. In `pre-steps` and `post-steps` they are
#   `{}` and `parameters: {command: make}`, which is no step of CircleCI's language. The generator says nothing.
# Who is hurt: whoever wraps jobs of others by pre- and post-steps (credentials, caches, reports): the generated configuration is
#   refused at the first push.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @circleci/circleci-config-sdk@0.12.5 yaml@2.9.1
cat >try.cjs <<'JS'
const { commands, Config, executors, Job, Workflow } = require("@circleci/circleci-config-sdk");
const { parse } = require("yaml");
const steps = [new commands.Checkout(), new commands.Run({ command: "make" })];
const job = new Job("build", new executors.DockerExecutor("cimg/base:current"), steps);
const workflow = new Workflow("main");
workflow.addJob(job, { "pre-steps": steps, "post-steps": steps });
const config = parse(new Config().addJob(job).addWorkflow(workflow).stringify());
console.log(`steps: ${JSON.stringify(config.jobs.build.steps)}`);
for (const key of ["pre-steps", "post-steps"]) console.log(`${key}: ${JSON.stringify(config.workflows.main.jobs[0].build[key])}`);
JS
cat >expected <<'TEXT'
steps: ["checkout",{"run":{"command":"make"}}]
pre-steps: [{},{"parameters":{"command":"make"}}]
post-steps: [{},{"parameters":{"command":"make"}}]
TEXT
node try.cjs | tee seen
diff expected seen
echo "As described: @circleci/circleci-config-sdk 0.12.5."
