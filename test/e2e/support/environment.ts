import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { gitUsers } from "../../../sandbox/machine/credentials.ts";
import { createMonorepo, type Monorepo } from "../../support/monorepo.ts";
import { openPipeline, type Operation, type Outcome, type Variation } from "../../support/pipeline.ts";
import type { GitOpsHarness } from "./gitops-harness.ts";

interface EnvironmentOptions {
  /** The environment, and with it its directory in the deploy repository. */
  name: string;
  /** The app's name. @default shop */
  app?: string;
  /** Its services. @default cart and catalog */
  services?: readonly string[];
  /** Beside the usual ones, by key without the prefix. @default none */
  settings?: Settings;
}

/** Settings of the stack file, by key without the prefix. */
type Settings = Readonly<Record<string, unknown>>;

/** An environment that delivers by GitOps, from a monorepo of its own, as `npm run up` runs the sandbox's own. */
export interface Environment {
  readonly name: string;
  readonly app: string;
  readonly services: readonly string[];
  readonly namespace: string;
  readonly monorepo: Monorepo;
  /** Where the engine keeps its state. */
  readonly engineDirectory: string;
  /** @throws Error with the engine's output if it fails */
  run(operation: Operation, settings?: Settings, variation?: Variation): Promise<Outcome>;
  /** @throws Error if it succeeds */
  fail(operation: Operation, settings?: Settings, variation?: Variation): Promise<Outcome>;
  applicationName(service: string): string;
  /** The repository of a service's images. */
  imagesOf(service: string): string;
}

export function openEnvironment(harness: GitOpsHarness, options: EnvironmentOptions): Environment {
  const { name, app = "shop", services = ["cart", "catalog"] } = options;
  const monorepo = createMonorepo(join(harness.stateDir, "monorepos", name), services);
  const pipeline = openPipeline({ ...harness, name, directory: monorepo.directory });
  const usual = {
    environment: name,
    app: { name: app, directory: monorepo.directory },
    delivery: "gitops",
    // One environment alone has those of pull requests, or there would be several of one name.
    gitops: { repository: harness.repositoryUrl, username: gitUsers.reader },
    owns: { ciProject: true, argoCd: harness.argoCd === "own" },
    ...options.settings,
  };
  const vary = (settings: Settings = {}, variation: Variation = {}): Variation => {
    const all = Object.entries({ ...usual, ...settings }).map(([key, value]) => [`delivery:${key}`, value]);
    return { ...variation, settings: { ...Object.fromEntries(all), ...variation.settings } };
  };
  const { registryHost } = harness.sandbox.endpoints;
  return {
    name,
    app,
    services,
    namespace: `${app}-${name}`,
    monorepo,
    engineDirectory: pipeline.engineDirectory,
    run: (operation, settings, variation) => pipeline.run(operation, vary(settings, variation)),
    fail: (operation, settings, variation) => pipeline.fail(operation, vary(settings, variation)),
    applicationName: (service) => `${app}-${name}-${service}`,
    imagesOf: (service) => `${registryHost}/delinkcious/${app}-${service}`,
  };
}

/** Applications are waited for so many seconds, where users wait for minutes. */
export function shortTimeouts(seconds: number): Variation {
  const time = `${seconds}s`;
  return {
    prepare: () =>
      pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
        if (type !== "kubernetes:argoproj.io/v1alpha1:Application") return undefined;
        return { props, opts: { ...opts, customTimeouts: { create: time, update: time, delete: time } } };
      }),
  };
}
