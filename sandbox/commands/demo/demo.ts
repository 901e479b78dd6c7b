import type { OutputMap } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { temporaryDirectory } from "../../../core/atomic-file.ts";
import { namespaceName } from "../../../core/names.ts";
import type { SandboxEngine } from "../../machine/ci-engine.ts";
import { ensureCredentials, gitUsers, loginToDeployGit } from "../../machine/credentials.ts";
import { circleCiEndpoint, loadEndpoints, sandboxProject, sandboxSettings } from "../../machine/endpoints.ts";
import { kubernetesClient } from "../../machine/kubernetes-client.ts";
import { noteOutput, type Report } from "../progress.ts";
import { readMonorepo } from "../../../cli/project/monorepo.ts";
import { chosenMonorepo } from "../../monorepo/choice.ts";
import { readHead } from "../../monorepo/snapshot.ts";
import type { ServiceOutcome } from "../../monorepo/summary.ts";
import { exampleEdit, labelEdit, type Edit } from "./edit.ts";
import { up } from "../up.ts";
import { cloneSource, commitEdits, push } from "./developer-clone.ts";
import { describeEvent, followCommit, type Route } from "./follow-commit.ts";

export interface DemoOptions {
  stateDir: string;
  /** `simulated`: no pods run, whatever the machine allows. */
  pods: "auto" | "simulated";
  /** What runs the pipeline. @default what does already */
  ci?: SandboxEngine | undefined;
  report: Report;
}

const limitMilliseconds = 10 * 60_000;

/** Shows a commit travel from a developer's clone to the cluster, step by step. Starts the sandbox if need be. */
export async function demo({ stateDir, pods, ci, report }: DemoOptions): Promise<void> {
  const { outputs, services } = await up({ stateDir, pods, ci, report });
  const source = loadEndpoints(stateDir)?.sourceRepository;
  if (source === undefined)
    throw new Error("stacks/Pulumi.sandbox.yaml: delivery: the demo needs gitops; set it, and run `npm run up` again");
  using directory = temporaryDirectory("delivery-demo-");
  const { gitWriteToken: token } = ensureCredentials(stateDir);
  const clone = { url: source, user: gitUsers.writer, token, directory: directory.path };
  const edit = await chooseEdit(stateDir, services);
  const route = openRoute(stateDir, outputs, edit.service);
  console.log(`\nA developer edits ${edit.service}, and pushes. Nobody does anything after that.\n`);
  await cloneSource(clone);
  const start = Date.now();
  report("The commit is on its way to the cluster");
  const print = (line: string): void => {
    noteOutput();
    console.log(`${((Date.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  };
  const commit = await commitEdits(clone, [edit], edit.subject);
  print(`Developer   commit ${commit.slice(0, 12)} changes ${edit.file}`);
  await push(clone);
  print(`GitHub      main is at ${commit.slice(0, 12)}`);
  await followCommit(route, commit, (event) => print(describeEvent(event)), AbortSignal.timeout(limitMilliseconds));
  print("done");
}

/** The example's service, or of a monorepo of the user's the first one that runs. @throws Error if none does */
async function chooseEdit(stateDir: string, outcomes: readonly ServiceOutcome[]): Promise<Edit> {
  const choice = chosenMonorepo(stateDir);
  if (choice === undefined) return exampleEdit;
  const { app, root, services } = readMonorepo(sandboxProject(stateDir), "sandbox");
  const running = services.find(({ name }) =>
    outcomes.some((outcome) => outcome.name === name && outcome.state === "runs"),
  );
  if (running === undefined)
    throw new Error(`no service of ${app.name} runs, so that there is none to edit: see above what they lack`);
  return labelEdit(running, root, (await readHead(choice.directory)).prefix);
}

const outputsSchema = z.object({
  /** CircleCI's; there is none where Tekton runs the pipeline. */
  ciProject: z.object({ value: z.string().nullish() }).optional(),
  environment: z.object({ value: z.string() }),
});

/**
 * The route of a commit that changes one service, through the running sandbox.
 * @param outputs those of its stack
 */
export function openRoute(stateDir: string, outputs: OutputMap, service: string): Route {
  const endpoints = loadEndpoints(stateDir);
  if (endpoints?.deployRepository === undefined)
    throw new Error("the sandbox has no deploy repository: `npm run up` makes one");
  const { app, gitops } = sandboxSettings(sandboxProject(stateDir));
  const { ciProject, environment } = outputsSchema.parse(outputs);
  const { circleciToken: token } = ensureCredentials(stateDir);
  const kubernetes = kubernetesClient(endpoints.kubeconfigPath);
  const projectSlug = ciProject?.value ?? undefined;
  loginToDeployGit(stateDir, "writer");
  return {
    ci:
      projectSlug === undefined
        ? { kubernetes, app: app.name }
        : { host: circleCiEndpoint(endpoints).url, token, projectSlug },
    deploy: { repository: endpoints.deployRepository, branch: gitops.branch },
    directory: environment.value,
    rollout: {
      kubernetes,
      namespace: namespaceName(app.name, environment.value),
      service,
    },
  };
}
