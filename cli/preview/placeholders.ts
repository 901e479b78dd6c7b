import { parse } from "yaml";
import { z } from "zod";
import { isSecure, secretPlaceholder as placeholder } from "../../core/setting-values.ts";
import { writeYaml } from "../../core/yaml.ts";
import { readMonorepo } from "../project/monorepo.ts";
import type { Project } from "../project/stack-file.ts";

/** A stack file without its secrets. */
interface PlaceholderSettings {
  /** The text of the stack file, free of anything encrypted. */
  readonly text: string;
  /** What has to be set as secrets: placeholders, by key. */
  readonly secrets: Readonly<Record<string, string>>;
  /** What the stack file asks for and is not there without credentials, in phrases for the report. */
  readonly limits: readonly string[];
  /** The context of the kubeconfig that the stack asks for. */
  readonly kubeconfigContext: string | undefined;
  /** Whether the CircleCI project is another stack's, so that it is looked up. */
  readonly looksProjectUp: boolean;
}

const fileSchema = z.looseObject({
  config: z.record(z.string(), z.unknown()).default({}),
  environment: z.unknown().optional(),
});

const clusterSchema = z.looseObject({ context: z.string().optional() });
const ownsSchema = z.looseObject({ ciProject: z.literal(true) });

/** The keys that say how the secrets are encrypted, or get them from a service. */
const encryption = new Set(["encryptionsalt", "encryptedkey", "secretsprovider", "environment"]);

/**
 * Replaces every `secure:` entry of a stack file by a placeholder.
 * @param names the names of the secrets that the program asks for, for a stack file that encrypts all of them as one
 */
export function placeholderSettings(file: string, names: () => readonly string[]): PlaceholderSettings {
  const settings = fileSchema.parse(parse(file, { merge: true }) ?? {});
  const cluster = clusterSchema.safeParse(settings.config["delivery:cluster"]);
  const context = cluster.success ? cluster.data.context : undefined;
  const entries = Object.entries(settings.config);
  const secret = entries.filter(([, value]) => hasSecret(value));
  const plain = entries.filter(([, value]) => !hasSecret(value));
  const rest = Object.entries(settings).filter(([key]) => key !== "config" && !encryption.has(key));
  return {
    text: writeYaml({ ...Object.fromEntries(rest), config: Object.fromEntries(plain) }),
    secrets: Object.fromEntries(
      secret.map(([key, value]) => {
        if (/kubeconfig$/i.test(key) && isSecure(value)) return [key, placeholderKubeconfig(context)];
        if (key === "delivery:secrets" && isSecure(value))
          return [key, JSON.stringify(Object.fromEntries(names().map((name) => [name, placeholder])))];
        return [key, isSecure(value) ? placeholder : JSON.stringify(withPlaceholders(value))];
      }),
    ),
    limits:
      settings.environment === undefined
        ? []
        : ["what the stack file's `environment:` brings: settings from Pulumi ESC need a login"],
    kubeconfigContext: context,
    looksProjectUp: !ownsSchema.safeParse(settings.config["delivery:owns"]).success,
  };
}

/** The stack file with another address of CircleCI. */
export function withCiHost(text: string, host: string): string {
  const settings = fileSchema.parse(parse(text) ?? {});
  const ci = { ...Object(settings.config["delivery:ci"]), host };
  return writeYaml({ ...settings, config: { ...settings.config, "delivery:ci": ci } });
}

function hasSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isSecure(value) || Object.values(value).some(hasSecret);
}

function withPlaceholders(value: unknown): unknown {
  if (isSecure(value)) return placeholder;
  if (Array.isArray(value)) return value.map(withPlaceholders);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withPlaceholders(item)]));
}

/**
 * The names of the secrets that a stack file and its services refer to: all that can be known of them where they are
 * encrypted as a whole.
 * @throws CommandError with all that is wrong in those files
 */
export function referencedSecrets(project: Project, stack: string): string[] {
  const { services } = readMonorepo(project, stack);
  const settings = project.stackFile(stack).find("ci", "dependencies", "gitops", "images");
  const ofDependencies = Object.values(settings?.dependencies ?? {}).flatMap((dependency) => {
    if (dependency === "none") return [];
    return [dependency.password, ...("secrets" in dependency ? Object.values(dependency.secrets) : [])];
  });
  const names = [
    ...services.flatMap(({ secrets, build, files }) => [
      ...Object.values(secrets ?? {}),
      ...Object.values(files ?? {}).map(({ secret }) => secret),
      ...Object.values(build?.secrets ?? {}),
    ]),
    ...ofDependencies,
    ...Object.values(settings?.ci.environment ?? {}),
    ...Object.values(settings?.ci.contexts ?? {}).flatMap((variables) => Object.values(variables)),
    settings?.gitops?.argoCd.commitStatus?.privateKey,
    settings?.gitops?.signing?.secret,
    settings?.gitops?.signing?.previews,
    settings?.images.pull?.password,
    settings?.images.signing?.secret,
  ];
  return [...new Set(names.filter((name) => name !== undefined))].toSorted();
}

/** No server listens on this port, so every request fails at once. */
export const placeholderServer = "https://127.0.0.1:9";

/**
 * In place of a kubeconfig: of a cluster that cannot be reached, so that its objects are compared with the state alone.
 * @param context the context that the stack asks for
 */
export function placeholderKubeconfig(context = "placeholder"): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "placeholder", cluster: { server: placeholderServer } }],
    contexts: [{ name: context, context: { cluster: "placeholder", user: "placeholder" } }],
    // For a user without any credential the official Kubernetes provider asks for a name and a password on standard input.
    users: [{ name: "placeholder", user: { token: placeholder } }],
    "current-context": context,
  });
}
