import { join, relative } from "node:path";
import type { OutputMap, UpOptions } from "@pulumi/pulumi/automation/index.js";
import { deployedDependencies } from "../../components/manifests/dependency.ts";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { namespaceName } from "../../core/names.ts";
import { recoverStack } from "../engine/recovery.ts";
import { openSandboxStack } from "../engine/sandbox-stack.ts";
import { ensureApplicationSecrets, ensureCredentials, loginToDeployGit } from "../machine/credentials.ts";
import { saveEndpoints } from "../machine/endpoints.ts";
import { provideImages, saveFromDocker, type ProvidedImage } from "../machine/images/provided.ts";
import { kubernetesClient } from "../machine/kubernetes-client.ts";
import { buildTools } from "../machine/tools/go-tools.ts";
import { buildServices } from "../monorepo/build-services.ts";
import { describeChoice, saveChoice, type Choice } from "../monorepo/choice.ts";
import { followServices } from "../monorepo/follow-services.ts";
import { hastenApplications, isApplication } from "../monorepo/hasten-applications.ts";
import { importMonorepo } from "../monorepo/import.ts";
import { neededImages, unavailableFor, unavailableImages } from "../monorepo/pulled-images.ts";
import { releaseRecords, releaseService, sandboxEnvironment } from "../monorepo/release-service.ts";
import { hasSubmodules, readHead, takeSnapshot, type Head } from "../monorepo/snapshot.ts";
import { makeStack, monorepoOf, sourceDirectory, type MonorepoStack } from "../monorepo/stack.ts";
import { summaryLines, unavailableLines, type ServiceOutcome } from "../monorepo/summary.ts";
import { describeEvent } from "./demo/follow-commit.ts";
import { followPipeline } from "./demo/follow-pipeline.ts";
import { noteOutput, type Report } from "./progress.ts";
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
  const stack = await prepareStack(options, head);
  const sandbox = await startSandbox({ stateDir, pods, report });
  saveEndpoints(stateDir, sandbox.endpoints);
  const { buildKit, needed, unavailable } = await findImages(options, sandbox, stack);
  const absent = unavailableFor("dependencies", unavailable, needed);
  const outputs = await updateStack(options, sandbox, new Set(absent.keys()));
  const commit = await importHead(options, sandbox, outputs, head);
  const outcomes = new Map<string, ServiceOutcome>();
  await buildMissing(
    { ...options, sandbox, stack, buildKit, commit },
    unavailableFor("services", unavailable, needed),
    outcomes,
  );
  await followRollouts(options, sandbox, stack, absent, outcomes);
  report("The pipeline is up", "end");
  const services = [...outcomes.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  print(summaryLines(services));
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

/** Which images come from elsewhere, and which of them are not to be had. */
async function findImages(
  { stateDir, images, report }: UpMonorepoOptions,
  { cluster, docker, endpoints }: Sandbox,
  stack: MonorepoStack,
) {
  // The stack that is made for a monorepo has the sandbox's own login.
  const { username = "" } = stack.settings.images;
  const registry = { host: endpoints.registryHost, username, password: ensureCredentials(stateDir).registryPassword };
  const provide = async (given: readonly ProvidedImage[]): Promise<void> => {
    if (given.length === 0) return;
    report(`Images: taking ${given.map(({ image }) => image).join(", ")}`);
    const { crane } = await buildTools(["crane"], report);
    await provideImages({ stateDir, images: given, crane, registry });
  };
  await provide(images);
  // Simulated pods pull nothing.
  const needed = neededImages(monorepoOf(stack), cluster.pods === "simulated" ? {} : stack.settings.dependencies);
  report(`Images: looking for ${needed.size} that come from elsewhere`);
  const buildKit = await docker.buildKit();
  const missing = await unavailableImages([...needed.keys()], buildKit);
  using directory = temporaryDirectory("delivery-docker-images-");
  const local: ProvidedImage[] = [];
  for (const [index, image] of [...missing.keys()].entries()) {
    const file = join(directory.path, `${index}.tar`);
    if (await saveFromDocker(image, file)) local.push({ image, file });
  }
  await provide(local);
  const found = new Set(local.map(({ image }) => image));
  const unavailable = new Map([...missing].filter(([image]) => !found.has(image)));
  print(unavailableLines(unavailable, needed));
  // It knows of the registries of provided images only from its start on.
  return { buildKit: local.length === 0 ? buildKit : await docker.buildKit(), needed, unavailable };
}

/** @param absent the dependencies that cannot run here */
async function updateStack(
  { stateDir, report }: UpMonorepoOptions,
  sandbox: Sandbox,
  absent: ReadonlySet<string>,
): Promise<OutputMap> {
  const overrides = { prepare: hastenApplications(absent) };
  await using open = await openSandboxStack({ ...sandbox, stateDir, report, overrides });
  await recoverStack(open.stack, stateDir, report);
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
  return open.stack.outputs();
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
  const ci = { host: endpoints.circleci.url, token, projectSlug: String(outputs["ciProject"]?.value) };
  report("CircleCI: the pipeline of the new commit");
  const end = await followPipeline(
    ci,
    imported.commit,
    (event) => print([`         ${describeEvent(event)}`]),
    AbortSignal.timeout(pipelineMinutes * 60_000),
  );
  if (end.status !== "success") report(`  pipeline #${end.number} ended with ${end.status}`);
  return imported.commit;
}

const pipelineMinutes = 30;

interface BuildArgs extends UpMonorepoOptions {
  readonly sandbox: Sandbox;
  readonly stack: MonorepoStack;
  readonly buildKit: { readonly address: string; readonly buildctl: string };
  readonly commit: string;
}

/** Builds and releases the services of which nothing is released yet. */
async function buildMissing(
  { stateDir, report, sandbox, stack, buildKit, commit }: BuildArgs,
  hopeless: ReadonlyMap<string, string>,
  outcomes: Map<string, ServiceOutcome>,
): Promise<void> {
  const { images, gitops } = stack.settings;
  const deploy = { repository: sandbox.endpoints.deployRepository ?? "", branch: gitops?.branch ?? "main" };
  loginToDeployGit(stateDir, "writer");
  const records = await releaseRecords(deploy);
  const services = stack.services.filter(({ name }) => records.get(name)?.image === undefined);
  if (services.length === 0) return;
  const state = { ended: 0 };
  report(`Building ${services.length} images from their Dockerfiles`, () => `${state.ended} of ${services.length}`);
  await buildServices({
    stateDir,
    monorepo: monorepoOf(stack),
    services,
    commit,
    buildKit,
    registry: { username: images.username ?? "", password: ensureCredentials(stateDir).registryPassword },
    hopeless,
    onEnd: async (outcome) => {
      const { service, seconds } = outcome;
      state.ended += 1;
      const log = relative(process.cwd(), outcome.log);
      if ("problem" in outcome) {
        report(`  ${service}: not built: ${outcome.problem.split("\n", 1)[0]}`, "note");
        const detail = seconds === 0 ? outcome.problem : `${outcome.problem}\nin full: ${log}`;
        outcomes.set(service, { name: service, state: "not built", detail });
        return;
      }
      await releaseService(deploy, monorepoOf(stack), { service, digest: outcome.digest, commit });
      report(`  ${service}: built in ${seconds.toFixed(0)} s, and released`, "note");
    },
  });
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
  const records = await releaseRecords({
    repository: endpoints.deployRepository ?? "",
    branch: gitops?.branch ?? "main",
  });
  const namespace = namespaceName(app.name, sandboxEnvironment);
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

function print(lines: readonly string[]): void {
  if (lines.length > 0) noteOutput();
  for (const line of lines) console.log(line);
}
