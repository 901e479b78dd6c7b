import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { isMap } from "../../core/yaml.ts";
import { ciEngine } from "../machine/ci-engine.ts";
import { ensureCredentials, gitUsers, type Credentials } from "../machine/credentials.ts";
import { writeSandboxManifests, type SandboxManifests } from "../machine/argocd/manifests.ts";
import { buildKitAddress } from "../machine/images/buildkit.ts";
import { providedImages, providedReference } from "../machine/images/provided.ts";
import { sandboxStackFile, type SandboxEndpoints } from "../machine/endpoints.ts";
import { createCircleCiProvider } from "../providers/circleci/provider.ts";
import { createDockerProvider, type DockerProviderOptions } from "../providers/docker/provider.ts";
import { createKubernetesProvider } from "../providers/kubernetes/provider.ts";
import { serveProvider, type ServedProvider } from "../providers/server.ts";
import { engineAccess, openStack, stackState } from "./open-stack.ts";
import { installedPlugins, type PluginName } from "./plugins.ts";
import type { StackState } from "./stack-state.ts";

export interface SandboxStackOptions {
  stateDir: string;
  pulumi: string;
  /** What builds images. @default nothing, as neither a preview nor a destroy does */
  docker?: DockerProviderOptions | undefined;
  /** Argo CD's own files, with the manifests that a stack of delivery `gitops` installs. @default it installs nothing */
  argoCdFiles?: string | undefined;
  endpoints?: SandboxEndpoints | undefined;
  /** What differs from the sandbox's own stack. @default nothing */
  overrides?: StackOverrides;
  report: (line: string) => void;
}

/** Makes another stack of the same program, e.g. of another monorepo or with other settings, next to the sandbox's own. */
export interface StackOverrides {
  /** Where the engine keeps its state. @default `pulumi` in the state directory */
  directory?: string;
  /** In place of the stack file's, by key with the project's prefix. */
  settings?: Readonly<Record<string, unknown>>;
  /** In place of the sandbox's own, likewise. */
  secrets?: Readonly<Record<string, string>>;
  /** Runs before the program, e.g. to register transforms. */
  prepare?: () => void;
}

/** A stack with the providers that serve it for as long as it is open. */
export interface OpenStack extends AsyncDisposable {
  stack: Stack;
  /** What the engine has written of it. */
  state: StackState;
}

/** Opens the `sandbox` stack: the program of this repository, its stack file, and the providers. */
export async function openSandboxStack(options: SandboxStackOptions): Promise<OpenStack> {
  const { stateDir, endpoints, overrides = {} } = options;
  const credentials = ensureCredentials(stateDir);
  const plugins = await installedPlugins();
  // A provider that stays served keeps this process alive, so none may where the stack cannot be opened.
  await using opening = new AsyncDisposableStack();
  const served = await serveProviders(options, plugins, opening);
  const directory = overrides.directory ?? join(stateDir, "pulumi");
  const id = { project: "delivery", stack: "sandbox" };
  const kubeconfig = endpoints === undefined ? undefined : readFileSync(endpoints.kubeconfigPath, "utf8");
  const stack = await openStack({
    directory,
    pulumi: options.pulumi,
    ...id,
    program: () => {
      overrides.prepare?.();
      return program();
    },
    settings: withManifests(
      {
        ...withEndpoints(withProvidedImages(sandboxStackFile(stateDir), options), credentials, endpoints, overrides),
        ...overrides.settings,
      },
      options,
    ),
    secrets: {
      "delivery:registryPassword": credentials.registryPassword,
      ...(ciEngine(stateDir) === "circleci" ? { "delivery:circleciToken": credentials.circleciToken } : {}),
      "delivery:secrets": JSON.stringify({
        ...credentials.secrets,
        ...ciSecrets(stateDir, credentials, directory),
        // Where there is no cluster, nothing asks one.
        kubeconfig: kubeconfig ?? "{}",
      }),
      "delivery:gitToken": credentials.gitReadToken,
      "delivery:githubToken": credentials.githubToken,
      ...(kubeconfig === undefined ? {} : { "delivery:kubeconfig": kubeconfig }),
      ...overrides.secrets,
    },
    environment: { DELIVERY_GIT_USERNAME: gitUsers.writer, DELIVERY_GIT_TOKEN: credentials.gitWriteToken },
    providers: served,
    plugins: Object.values(plugins),
  });
  const closing = opening.move();
  const state = stackState(directory, id);
  return { stack, state, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

/** The program as the Pulumi CLI would run it. The query makes Node load it again for every run. */
async function program(): Promise<Record<string, unknown>> {
  const outputs: Record<string, unknown> = await import(`../../index.ts?run=${Date.now()}`);
  return { ...outputs };
}

function withoutBuilds(): DockerProviderOptions {
  return {
    directory: process.cwd(),
    buildKit: () => Promise.reject(new Error("a preview or a destroy builds no image")),
  };
}

async function serveProviders(
  options: SandboxStackOptions,
  plugins: Partial<Record<PluginName, string>>,
  opening: AsyncDisposableStack,
): Promise<ServedProvider[]> {
  for (const name of Object.keys(plugins)) options.report(`Pulumi: using the installed official plugin ${name}`);
  const offline = [
    createKubernetesProvider(),
    createDockerProvider(options.docker ?? withoutBuilds()),
    // The stand-in is on this machine: it answers or is gone. An `up` that was killed may have deleted what the state has.
    createCircleCiProvider({ retryDelays: [250, 1000], goneIsDeleted: true }),
  ];
  const served: ServedProvider[] = [];
  for (const provider of offline) {
    if (!(provider.name in plugins)) served.push(opening.use(await serveProvider(provider)));
  }
  return served;
}

/** What the stack file's `ci.environment` and `ci.contexts` name: jobs deliver with it. */
function ciSecrets(
  stateDir: string,
  { gitWriteToken, gitPreviewsToken, githubToken, registryPassword, imageKey }: Credentials,
  directory: string,
): Record<string, string> {
  const { username } = Object(sandboxStackFile(stateDir)["delivery:images"]);
  const { backend, passphrase } = engineAccess(directory);
  return {
    "deploy-token": gitWriteToken,
    "previews-token": gitPreviewsToken,
    "github-token": githubToken,
    "pulumi-passphrase": passphrase,
    "pulumi-backend": backend,
    "registry-user": String(username),
    "registry-password": registryPassword,
    "buildkit-host": buildKitAddress(stateDir),
    [imageKeySecret]: imageKey,
  };
}

const imageKeySecret = "image-key";

/**
 * Of images that CI builds, only those are released that it has signed. The first ones of another monorepo are built here, and
 * released by command: there, nothing is demanded.
 */
function imageSigning({ imageKey }: Credentials, isOtherMonorepo: boolean): Record<string, unknown> {
  const publicKey = createPublicKey(imageKey).export({ type: "spki", format: "pem" });
  const keys = { secret: imageKeySecret, publicKeys: [String(publicKey)] };
  return isOtherMonorepo ? keys : { ...keys, verify: "signed" };
}

/** Dependencies run what their users have provided from the sandbox's registry. */
function withProvidedImages(
  settings: Record<string, unknown>,
  { stateDir, endpoints }: SandboxStackOptions,
): Record<string, unknown> {
  const provided = new Set(endpoints === undefined ? [] : providedImages(stateDir));
  const dependencies = Object.entries(Object(settings["delivery:dependencies"])).map(([name, dependency]) => {
    const image = isMap(dependency) ? dependency["image"] : undefined;
    if (!isMap(dependency) || typeof image !== "string" || !provided.has(image)) return [name, dependency];
    return [name, { ...dependency, image: providedReference(endpoints?.registryHost ?? "", image) }];
  });
  return provided.size === 0 ? settings : { ...settings, "delivery:dependencies": Object.fromEntries(dependencies) };
}

/** The stack file's settings with the endpoints of the running sandbox, whose ports may be others than the stack file's. */
function withEndpoints(
  settings: Record<string, unknown>,
  credentials: Credentials,
  endpoints: SandboxEndpoints | undefined,
  { settings: others = {} }: StackOverrides,
): Record<string, unknown> {
  const { repositoryId, environment, contexts, ...rest } = Object(settings["delivery:ci"]);
  const isCircleCi = rest.engine === undefined || rest.engine === "circleci";
  // Another monorepo is not in the sandbox's source repository, so no push there may start its pipeline.
  const built = others["delivery:app"] === undefined && (endpoints === undefined || endpoints.githubApi !== undefined);
  const ci = built ? { ...rest, ...(isCircleCi ? { repositoryId } : {}), environment, contexts } : rest;
  if (endpoints === undefined) return { ...settings, "delivery:ci": ci };
  const { registryHost, circleci, deployRepository, githubApi, programRepository } = endpoints;
  const ownProgram = programRepository === undefined ? {} : { program: { repository: programRepository } };
  return {
    ...settings,
    "delivery:images": {
      ...Object(settings["delivery:images"]),
      registry: registryHost,
      ...(built && githubApi !== undefined
        ? { signing: imageSigning(credentials, programRepository !== undefined) }
        : {}),
    },
    "delivery:ci": {
      ...ci,
      ...(isCircleCi && circleci !== undefined ? { host: circleci.url, organizationId: circleci.organizationId } : {}),
      ...ownProgram,
    },
    ...(githubApi === undefined
      ? {}
      : { "delivery:github": { ...Object(settings["delivery:github"]), api: githubApi } }),
    ...(deployRepository === undefined
      ? {}
      : { "delivery:gitops": { ...Object(settings["delivery:gitops"]), repository: deployRepository } }),
  };
}

/** The settings with the releases that are on this machine, unless they name others. */
function withManifests(
  settings: Record<string, unknown>,
  { argoCdFiles, stateDir }: SandboxStackOptions,
): Record<string, unknown> {
  if (argoCdFiles === undefined) return settings;
  const gitops = Object(settings["delivery:gitops"]);
  const manifests = writeSandboxManifests(argoCdFiles, resolve(stateDir));
  const release = (key: keyof SandboxManifests): object => ({ manifests: manifests[key], ...Object(gitops[key]) });
  return {
    ...settings,
    "delivery:gitops": { ...gitops, argoCd: release("argoCd"), imageUpdater: release("imageUpdater") },
  };
}
