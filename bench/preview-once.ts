/**
 * One preview in a process of its own, as the CLI makes it: `node bench/preview-once.ts stack|baseline DIRECTORY PULUMI`.
 * `stack` is the sandbox stack with delivery `direct`, `baseline` the same resources written by hand.
 */
import { openStack } from "../sandbox/engine/open-stack.ts";
import { createCircleCiProvider } from "../sandbox/providers/circleci/provider.ts";
import { createDockerProvider } from "../sandbox/providers/docker/provider.ts";
import { createKubernetesProvider } from "../sandbox/providers/kubernetes/provider.ts";
import { serveProvider } from "../sandbox/providers/server.ts";
import { readStackFile } from "../stacks/stack-file.ts";

const [name, directory = "", pulumi = ""] = process.argv.slice(2);
const docker = { directory: process.cwd(), buildKit: () => Promise.reject(new Error("a preview builds no image")) };
const kubernetes = createKubernetesProvider({ environment: { HOME: directory } });
const providers = await Promise.all(
  [kubernetes, createDockerProvider(docker), createCircleCiProvider()].map(serveProvider),
);
const settings = readStackFile("sandbox");
// No push starts a pipeline here: what that needs is not among the baseline's resources either.
const {
  repositoryId: _repositoryId,
  environment: _environment,
  contexts: _contexts,
  ...ci
} = Object(settings["delivery:ci"]);
const stack = await openStack({
  directory,
  pulumi,
  project: "delivery",
  stack: "sandbox",
  program: async () => ({
    ...(name === "baseline" ? await import("./preview-baseline.ts") : await import("../index.ts")),
  }),
  settings: { ...settings, "delivery:ci": ci, "delivery:delivery": "direct" },
  secrets: {
    "delivery:registryPassword": "password",
    "delivery:circleciToken": "token",
    "delivery:secrets": '{"token-secret":"secret"}',
  },
  providers,
});
const { changeSummary } = await stack.preview();
console.log(changeSummary.create ?? 0);
await Promise.all(providers.map((provider) => provider[Symbol.asyncDispose]()));
