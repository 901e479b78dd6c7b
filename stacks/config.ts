import { existsSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config.js";
import { rejectProblems } from "../components/rejection.ts";
import type { Registry, Secrets } from "../components/secrets.ts";
import { schemaProblems, type Problem } from "../core/problem.ts";
import { settingsProblems } from "../core/schema-version.ts";
import { secretHint, securePaths, withValueProblems } from "../core/setting-values.ts";
import { ciEngines } from "./ci-schema.ts";
import { circleCiTokenHint, passwordHint, secretsSchema, stackSchema, type StackSettings } from "./schema.ts";
import { parseSetting, readStackFile, textProblems, versionProblems } from "./stack-file.ts";
import { completeSettings, stackProblems } from "./stack-problems.ts";

/** The stack file, parsed and complete. Secrets are secret outputs from here on. */
export interface Config extends StackSettings {
  /** The name of the environment: the stack's, unless the file says otherwise. */
  readonly environment: string;
  /** The stack file, for messages, e.g. `stacks/Pulumi.dev.yaml`. */
  readonly file: string;
  readonly cluster: StackSettings["cluster"] & { readonly namespace: string };
  /** The registry and the user that pushes and pulls; without it, nodes and CI have their own logins. */
  readonly registry?: Registry;
  /** With which the CircleCI project is declared; without it, another engine runs the pipeline. */
  readonly circleciToken?: pulumi.Output<string>;
  /** The content of a kubeconfig; without it the machine's own is used. */
  readonly kubeconfig?: pulumi.Output<string>;
  /** The token with which Argo CD reads the deploy repository; without it, it is public. */
  readonly gitToken?: pulumi.Output<string>;
  /** The token with which Argo CD lists pull requests; without it, the repository is public. */
  readonly githubToken?: pulumi.Output<string>;
  /** The secrets of the application and of CI, by name. */
  readonly secrets: Secrets;
}

// The engine says which keys are secret, and the SDK keeps it; only its type declarations leave the function out.
const { isConfigSecret } = runtimeConfig as typeof runtimeConfig & { isConfigSecret: (key: string) => boolean };

const secretKeys = new Set(Object.keys(secretsSchema.shape));

/**
 * Reads the stack's configuration, once. Nothing else reads `pulumi.Config`.
 * @throws pulumi.RunError with all problems at once
 */
export function loadConfig(): Config {
  const file = `stacks/Pulumi.${pulumi.getStack()}.yaml`;
  const input = settings();
  const problems = [...plainSecrets(file, input), ...secretSettings(file, input), ...textProblems(file)];
  const plain = Object.fromEntries(Object.entries(input).filter(([key]) => !secretKeys.has(key)));
  const secret = Object.fromEntries(Object.entries(input).filter(([key]) => secretKeys.has(key)));
  // Another version has other keys: complaining about those would only hide the reason.
  rejectProblems(versionProblems(file, plain));
  const parsed = stackSchema.safeParse(plain);
  const secrets = secretsSchema.safeParse(secret);
  const named = new Map(Object.entries(secrets.data?.secrets ?? {}));
  const shown = Object.fromEntries(Object.entries(plain).filter(([key]) => !isSecret(key)));
  const faults = parsed.success ? [] : settingsProblems("stack", file, parsed.error, { ...masked(plain), ...shown });
  problems.push(...withValueProblems(file, shown, faults), ...rewrittenDates(file, shown));
  if (!secrets.success) problems.push(...schemaProblems(file, secrets.error, masked(secret)));
  problems.push(...passwordProblems(file, plain, secret), ...tokenProblems(file, plain, secret));
  if (parsed.success && secrets.success)
    problems.push(
      ...stackProblems(file, pulumi.getStack(), parsed.data, {
        names: new Set(named.keys()),
        hasGitToken: secrets.data.gitToken !== undefined,
        valueOf: (name) => named.get(name),
      }),
    );
  rejectProblems(problems);
  if (!parsed.success || !secrets.success) throw new Error("unreachable: a failed parse is always a problem");

  const { images } = parsed.data;
  const { username } = images;
  const { registryPassword, circleciToken, kubeconfig, gitToken, githubToken } = secrets.data;
  return {
    ...completeSettings(parsed.data, pulumi.getStack()),
    file,
    ...(username === undefined || registryPassword === undefined
      ? {}
      : { registry: { server: images.registry, username, password: pulumi.secret(registryPassword) } }),
    ...(circleciToken === undefined ? {} : { circleciToken: pulumi.secret(circleciToken) }),
    ...(kubeconfig === undefined ? {} : { kubeconfig: pulumi.secret(kubeconfig) }),
    ...(gitToken === undefined ? {} : { gitToken: pulumi.secret(gitToken) }),
    ...(githubToken === undefined ? {} : { githubToken: pulumi.secret(githubToken) }),
    secrets: new Map(Object.entries(secrets.data.secrets).map(([name, value]) => [name, pulumi.secret(value)])),
  };
}

/** The password of the registry is there where the stack file does not say that nobody needs one, whatever else is wrong. */
function passwordProblems(file: string, plain: Record<string, unknown>, secret: Record<string, unknown>): Problem[] {
  const isOwn = Reflect.get(Object(plain["images"]), "login") === "own";
  const isGiven = secret["registryPassword"] !== undefined;
  if (isOwn !== isGiven) return [];
  const message = isGiven
    ? "has no effect beside images.login own; remove it, and revoke it"
    : `missing; ${passwordHint}`;
  return [{ location: `${file}: registryPassword`, message }];
}

/** The token of CircleCI is there where the stack file names no other engine, whatever else is wrong. */
function tokenProblems(file: string, plain: Record<string, unknown>, secret: Record<string, unknown>): Problem[] {
  const engine: unknown = Reflect.get(Object(plain["ci"]), "engine") ?? "circleci";
  const isGiven = secret["circleciToken"] !== undefined;
  const isKnown = ciEngines.some((known) => known === engine);
  if (!isKnown || (engine === "circleci") === isGiven) return [];
  const message = isGiven
    ? `has no effect where ci.engine is ${String(engine)}; remove it, and revoke it`
    : `missing; set it to ${circleCiTokenHint}`;
  return [{ location: `${file}: circleciToken`, message }];
}

/** All keys of this project, as the stack file has them. */
function settings(): Record<string, unknown> {
  const prefix = `${pulumi.getProject()}:`;
  const entries = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(
    entries.map(([key, value]) => [key.slice(prefix.length), parseSetting(key.slice(prefix.length), value)]),
  );
}

/** A secret that stands in plain text in the stack file is in Git already: it must be replaced, not used. */
function plainSecrets(file: string, input: Record<string, unknown>): Problem[] {
  return [...secretKeys]
    .filter((key) => input[key] !== undefined && !isSecret(key))
    .map((key) => ({
      location: `${file}: ${key}`,
      message: `is in plain text; replace the value where it is used, and set the new one with \`pulumi config set --secret ${key === "secrets" ? "--path 'secrets.<name>'" : key}\``,
    }));
}

/** A secret in a plain setting would be shown by manifests and reports; of a section, the engine only says that there is one in it. */
function secretSettings(file: string, input: Record<string, unknown>): Problem[] {
  return Object.keys(input)
    .filter((key) => !secretKeys.has(key) && isSecret(key))
    .flatMap((key) => {
      const inFile = existsSync(file) ? readStackFile(pulumi.getStack())[`${pulumi.getProject()}:${key}`] : undefined;
      const paths = securePaths({ [key]: inFile });
      return (paths.length === 0 ? [[key]] : paths).map((path) => ({
        location: `${file}: ${path.join(".")}`,
        message: secretHint(path),
      }));
    });
}

/** A date without quotes is a point in time to Pulumi, which passes it on in a form that nobody has written. */
function rewrittenDates(file: string, value: unknown, path: readonly string[] = []): Problem[] {
  if (typeof value === "string" && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \S+$/.test(value))
    return [
      {
        location: `${file}: ${path.join(".")}`,
        message: `${JSON.stringify(value)}: a date without quotes, which Pulumi has rewritten; put it in quotes`,
      },
    ];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => rewrittenDates(file, inner, [...path, key]));
}

function isSecret(key: string): boolean {
  return isConfigSecret(`${pulumi.getProject()}:${key}`);
}

/** The shape of the secrets without their values, so that no message can show one. */
function masked(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (typeof item === "object" && item !== null) return [key, masked({ ...item })];
      return [key, item === "" ? "" : "[secret]"];
    }),
  );
}
