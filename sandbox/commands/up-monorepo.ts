import { relative } from "node:path";
import type { OutputMap, UpOptions } from "@pulumi/pulumi/automation/index.js";
import { runsToCompletion } from "../../components/service/kind.ts";
import { deployedDependencies } from "../../components/manifests/dependency.ts";
import { namespaceName } from "../../core/names.ts";
import { recoverStack } from "../engine/recovery.ts";
import { openSandboxStack } from "../engine/sandbox-stack.ts";
import { ensureApplicationSecrets, ensureCredentials, loginToDeployGit } from "../machine/credentials.ts";
import { circleCiEndpoint, saveEndpoints } from "../machine/endpoints.ts";
import type { ProvidedImage } from "../machine/images/provided.ts";
import { kubernetesClient } from "../machine/kubernetes-client.ts";
import { buildServices } from "../monorepo/build-services.ts";
import { describeChoice, saveChoice, type Choice } from "../monorepo/choice.ts";
import { followServices } from "../monorepo/follow-services.ts";
import { hastenApplications, isApplication } from "../monorepo/hasten-applications.ts";
import { importMonorepo, writeBuildStack } from "../monorepo/import.ts";
import { findImages } from "../monorepo/find-images.ts";
import { unavailableFor } from "../monorepo/pulled-images.ts";
import { releaseRecords, releaseService, sandboxEnvironment } from "../monorepo/release-service.ts";
import { hasSubmodules, readHead, takeSnapshot, type Head } from "../monorepo/snapshot.ts";
import { makeStack, monorepoOf, sourceDirectory, type MonorepoStack } from "../monorepo/stack.ts";
import { summaryLines, unavailableLines, type ServiceOutcome } from "../monorepo/summary.ts";
import { describeEvent } from "./demo/follow-commit.ts";
import { followPipeline } from "./demo/follow-pipeline.ts";
import { printLines, type Report } from "./progress.ts";
import { startSandbox, type Sandbox } from "./start-sandbox.ts";
import { terminalOutput, withProgress } from "./terminal.ts";

export interface UpMonorepoOptions {
  readonly stateDir: string;
  /** `simulated`: no pods run, whatever the machine allows. */
  readonly pods: "auto" | "simulated";
  readonly choice: Choice;
  /** Images that this machine cannot pull. */
  readonly images: readonly ProvidedImage[];
  readonly report: Report;
}

/** What a monorepo of the user's has come to. */
export interface MonorepoUp {
  readonly outputs: OutputMap;
  readonly services: readonly ServiceOutcome[];
}

/**
 * Runs a monorepo of the user's: its HEAD becomes that of the source repository, its services are built from their Dockerfiles
 * and released one by one. What cannot be built or does not start stops nothing else, and is named at the end.
 */
export async function upMonorepo(options: UpMonorepoOptions): Promise<MonorepoUp> {
  const { stateDir, pods, choice, report } = options;
  const head = await readHead(choice.directory);
  const whole = await prepareStack(options, head);
  const sandbox = await startSandbox({ stateDir, pods, report });
  saveEndpoints(stateDir, sandbox.endpoints);
  const { buildKit, needed, unavailable } = await findImages(options, sandbox, whole);
  printLines(unavailableLines(unavailable, needed));
  const hopeless = unavailableFor("services", unavailable, needed);
  const built = await buildMissing({ ...options, head, sandbox, stack: whole, buildKit }, hopeless);
  const outcomes = new Map<string, ServiceOutcome>(built.failed.map((outcome) => [outcome.name, outcome]));
  const excluded = new Map(built.failed.map(({ name, detail }) => [name, detail.split("\n", 1)[0] ?? ""]));
  const stack = excluded.size === 0 ? whole : await withoutFailed(options, head, excluded);
  const absent = unavailableFor("dependencies", unavailable, needed);
  const outputs = await updateStack(options, sandbox, new Set(absent.keys()));
  const commit = await importHead(options, sandbox, outputs, head);
  await releaseBuilt(options, sandbox, built.digests, commit, outcomes);
  await followRollouts(options, sandbox, stack, absent, outcomes);
  report("The pipeline is up", "end");
  const services = [...outcomes.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  printLines(summaryLines(services));
  return { outputs, services };
}

/** Takes the files of HEAD, and makes the stack file. */
async function prepareStack({ stateDir, choice, report }: UpMonorepoOptions, head: Head): Promise<MonorepoStack> {
  const { commit, subject, uncommitted } = head;
  report(`${describeChoice(choice)}: taking commit ${commit.slice(0, 12)} ${JSON.stringify(subject)}`);
  if (uncommitted > 0)
    report(
      `  ${uncommitted} ${uncommitted === 1 ? "file is" : "files are"} not committed there: what is delivered is what Git has`,
    );
  await takeSnapshot(head, sourceDirectory(stateDir));
  if (hasSubmodules(sourceDirectory(stateDir))) report("  its submodules are left empty");
  const stack = await makeStack(stateDir, choice, head);
  saveChoice(stateDir, choice);
  ensureApplicationSecrets(stateDir, stack.secrets, stack.secretValues);
  report(`${stack.services.length} services: ${stack.services.map(({ name }) => name).join(", ")}`);
  for (const remark of stack.remarks) report(`  ${remark}`, "note");
  const madeUp = stack.secrets.filter((name) => !stack.secretValues.has(name));
  if (madeUp.length > 0) report(`  secrets, with values made up here: ${madeUp.join(", ")}`, "note");
  return stack;
}

/** The stack without services that cannot be built: with each of them, every pipeline would fail. */
async function withoutFailed(
  { stateDir, choice, report }: UpMonorepoOptions,
  head: Head,
  excluded: ReadonlyMap<string, string>,
): Promise<MonorepoStack> {
  try {
    return await makeStack(stateDir, choice, head, excluded);
  } catch {
    report(
      "  what cannot be built stays in the stack, since files of other services name it: pipelines will fail",
      "note",
    );
    return makeStack(stateDir, choice, head);
  }
}

/** @param absent the dependencies that cannot run here */
async function updateStack(
  { stateDir, report }: UpMonorepoOptions,
  sandbox: Sandbox,
  absent: ReadonlySet<string>,
): Promise<OutputMap> {
  const overrides = { prepare: hastenApplications(absent) };
  await using open = await openSandboxStack({ ...sandbox, stateDir, report, overrides });
  await recoverStack(open, stateDir, report);
  const failed = new Set<string>();
  try {
    await withProgress(report, "Pulumi: updating the stack", ({ onEvent }) =>
      open.stack.up({
        ...terminalOutput(),
        continueOnError: true,
        onEvent: (event) => {
          if (event.resOpFailedEvent !== undefined) failed.add(event.resOpFailedEvent.metadata.urn);
          onEvent(event);
        },
      } satisfies UpOptions),
    );
  } catch (error) {
    // Each of them is looked at below, with what its pods say.
    if (failed.size === 0 || ![...failed].every(isApplication)) throw error;
  }
  return await open.stack.outputs();
}

/**
 * Brings HEAD into the source repository. From the second time on its pipeline delivers it, and is followed here.
 * @returns the commit there
 */
async function importHead(
  { stateDir, choice, report }: UpMonorepoOptions,
  { endpoints }: Sandbox,
  outputs: OutputMap,
  head: Head,
): Promise<string> {
  const isFirst = choice.imported === undefined;
  report(`Source repository: importing the monorepo into ${endpoints.sourceRepository}`);
  const imported = await importMonorepo(stateDir, endpoints, head, isFirst);
  saveChoice(stateDir, { ...choice, imported: imported.commit });
  if (isFirst || !imported.isNew) return imported.commit;
  const { circleciToken: token } = ensureCredentials(stateDir);
  const ci = { host: circleCiEndpoint(endpoints).url, token, projectSlug: String(outputs["ciProject"]?.value) };
  report("CircleCI: the pipeline of the new commit");
  const end = await followPipeline(
    ci,
    imported.commit,
    (event) => printLines([`         ${describeEvent(event)}`]),
    AbortSignal.timeout(pipelineMinutes * 60_000),
  );
  if (end.status !== "success") report(`  ${end.name} ended with ${end.status}`);
  return imported.commit;
}

const pipelineMinutes = 30;

interface BuildArgs extends UpMonorepoOptions {
  readonly head: Head;
  readonly sandbox: Sandbox;
  readonly stack: MonorepoStack;
  readonly buildKit: { readonly address: string; readonly buildctl: string };
}

interface Built {
  /** Service → the image that is to be released. */
  readonly digests: ReadonlyMap<string, string>;
  readonly failed: readonly ServiceOutcome[];
}

/** Builds the services of which nothing is released yet. */
async function buildMissing(
  { stateDir, report, head, sandbox, stack, buildKit }: BuildArgs,
  hopeless: ReadonlyMap<string, string>,
): Promise<Built> {
  const { images } = stack.settings;
  const credentials = ensureCredentials(stateDir);
  const { registryHost, deployRepository } = sandbox.endpoints;
  loginToDeployGit(stateDir, "writer");
  const records = await releaseRecords({ repository: deployRepository ?? "", branch: branchOf(stack) });
  const services = stack.services.filter(({ name }) => records.get(name)?.image === undefined);
  const digests = new Map<string, string>();
  const failed: ServiceOutcome[] = [];
  if (services.length === 0) return { digests, failed };
  const done = (): string => `${digests.size + failed.length} of ${services.length}`;
  report(`Building ${services.length} images from their Dockerfiles`, done);
  await buildServices({
    stateDir,
    directory: writeBuildStack(stateDir, stack.text, head.prefix, registryHost),
    monorepo: monorepoOf(stack),
    services,
    commit: head.commit,
    buildKit,
    registry: { username: images.username ?? "", password: credentials.registryPassword },
    secrets: credentials.secrets,
    hopeless,
    onEnd: (outcome) => {
      const { service: name, seconds } = outcome;
      if ("digest" in outcome) {
        digests.set(name, outcome.digest);
        return report(`  ${name}: built in ${seconds.toFixed(0)} s`, "note");
      }
      const log = relative(process.cwd(), outcome.log);
      const detail = seconds === 0 ? outcome.problem : `${outcome.problem}\nin full: ${log}`;
      failed.push({ name, state: "not built", detail });
      report(`  ${name}: not built: ${outcome.problem.split("\n", 1)[0]}`, "note");
    },
  });
  if (digests.size === 0 && failed.length === stack.services.length)
    throw new Error(`no service can be built\n${summaryLines(failed).join("\n")}`);
  return { digests, failed };
}

async function releaseBuilt(
  { stateDir, report }: UpMonorepoOptions,
  { endpoints }: Sandbox,
  digests: ReadonlyMap<string, string>,
  commit: string,
  outcomes: Map<string, ServiceOutcome>,
): Promise<void> {
  const state = { ended: 0 };
  if (digests.size > 0) report(`Releasing ${digests.size} images`, () => `${state.ended} of ${digests.size}`);
  for (const [service, digest] of digests) {
    const problem = await releaseService(stateDir, endpoints, { service, digest, commit });
    state.ended += 1;
    if (problem !== undefined) outcomes.set(service, { name: service, state: "not released", detail: problem });
  }
}

function branchOf({ settings }: MonorepoStack): string {
  return settings.gitops?.branch ?? "main";
}

/** Waits until every service that is released runs, or it is clear that it does not. */
async function followRollouts(
  { report }: UpMonorepoOptions,
  { endpoints, cluster }: Sandbox,
  { settings, services }: MonorepoStack,
  absent: ReadonlyMap<string, string>,
  outcomes: Map<string, ServiceOutcome>,
): Promise<void> {
  const { app, gitops } = settings;
  const branch = gitops?.branch ?? "main";
  const records = await releaseRecords({ repository: endpoints.deployRepository ?? "", branch });
  const namespace = namespaceName(app.name, sandboxEnvironment);
  for (const { name, kind, schedule } of services.filter(runsToCompletion))
    if (records.get(name)?.image !== undefined && !outcomes.has(name))
      outcomes.set(name, { name, state: "declared", detail: kind === "cron" ? `runs at ${schedule}` : "runs once" });
  const released = services.flatMap(({ name }) => {
    const digest = outcomes.has(name) ? undefined : records.get(name)?.image?.digest;
    return digest === undefined ? [] : [[name, digest] as const];
  });
  const deployed = Object.keys(deployedDependencies(settings.dependencies)).map((name) => [name, ""] as const);
  const expected = new Map([...released, ...deployed]);
  report("Kubernetes: waiting for the pods", () => `${outcomes.size} of ${services.length + deployed.length}`);
  await followServices({
    kubernetes: kubernetesClient(cluster.kubeconfigPath),
    location: {
      app: app.name,
      environment: sandboxEnvironment,
      namespace,
      argoCdNamespace: gitops?.argoCd.namespace ?? "argocd",
    },
    released: expected,
    absent: cluster.pods === "simulated" ? new Map() : absent,
    dependencies: new Map(services.map(({ name, dependencies = {} }) => [name, Object.keys(dependencies)])),
    onState: ({ service, reason }) => {
      const port = services.find(({ name }) => name === service)?.port;
      const address = port === undefined ? "a worker" : `http://${service}.${namespace}:${port}`;
      outcomes.set(service, {
        name: service,
        state: reason === undefined ? "runs" : "does not run",
        detail: reason ?? (expected.get(service) === "" ? "a dependency" : address),
      });
    },
  });
}
