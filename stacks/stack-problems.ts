import { manifestContext } from "../components/manifests/manifest-context.ts";
import { reportObjects } from "../components/manifests/object-report.ts";
import type { Service } from "../components/service/service.ts";
import { namespaceName, reservedEnvironments } from "../core/names.ts";
import type { Problem } from "../core/problem.ts";
import { allKeys, listedKeys, privateKeyFingerprint } from "../git/signing-keys.ts";
import { contradictions, type KnownSecrets } from "./contradictions.ts";
import { imageSigningProblems } from "./image-signing-problems.ts";
import { stackSchema, type StackSettings } from "./schema.ts";

/** What the engine has decrypted. */
interface StackSecrets extends KnownSecrets {
  /** The text of a secret. @returns `undefined`: there is none of that name */
  readonly valueOf: (name: string) => string | undefined;
}

/**
 * All that is wrong in a stack file of which each key is right by itself. The program refuses it, and so do the commands that read
 * the whole file.
 * @param stack the name of the stack, without the organization
 * @param secrets what is missing or wrong among them. @default not checked: only the engine can decrypt them
 */
export function stackProblems(file: string, stack: string, settings: StackSettings, secrets?: StackSecrets): Problem[] {
  return [
    ...contradictions(file, settings, secrets),
    ...imageSigningProblems(file, settings, secrets?.valueOf(settings.images.signing?.secret ?? "")),
    ...(secrets === undefined ? [] : commitKeyProblems(file, settings.gitops?.signing, secrets)),
    ...environmentProblems(file, stack, settings),
  ];
}

/** The settings with what the name of the stack says where the file does not. */
export function completeSettings(
  settings: StackSettings,
  stack: string,
): StackSettings & {
  readonly environment: string;
  readonly cluster: StackSettings["cluster"] & { readonly namespace: string };
} {
  const { environment = stack, app, cluster } = settings;
  const { namespace = namespaceName(app.name, environment) } = cluster;
  return { ...settings, environment, cluster: { ...cluster, namespace } };
}

/** What is wrong with the objects that services would be: their patches, and those that they bring along. */
export function objectProblems(settings: StackSettings, stack: string, services: readonly Service[]): Problem[] {
  return [...reportObjects(manifestContext(completeSettings(settings, stack), services), settings.images).problems];
}

/** A private key whose public half is not listed would sign what does not count. */
function commitKeyProblems(
  file: string,
  signing: NonNullable<StackSettings["gitops"]>["signing"],
  { valueOf }: StackSecrets,
): Problem[] {
  if (signing === undefined) return [];
  const pairs = [
    { key: "secret", secret: signing.secret, list: "gitops.signing.keys", keys: signing.keys },
    { key: "previews", secret: signing.previews, list: "gitops.signing.others", keys: allKeys(signing) },
  ];
  return pairs.flatMap(({ key, secret = "", list, keys }) => {
    const fingerprint = privateKeyFingerprint(valueOf(secret) ?? "");
    const listed = listedKeys(keys);
    if (fingerprint === undefined || listed.some((one) => one.fingerprint === fingerprint)) return [];
    const names = listed.map((one) => `${one.name} (${one.fingerprint})`).join(", ");
    const message = `the secret ${secret} is the key ${fingerprint}, and ${list} lists ${names}; list its public half there (\`ssh-keygen -y\`), or set the private key of one of these`;
    return [{ location: `${file}: gitops.signing.${key}`, message }];
  });
}

/** The name of an environment becomes part of Kubernetes' names, and of those of contexts. */
function environmentProblems(file: string, stack: string, { environment = stack }: StackSettings): Problem[] {
  const location = `${file}: environment`;
  if (!stackSchema.shape.environment.safeParse(environment).success)
    return [
      {
        location,
        message: `missing, and the stack's name ${JSON.stringify(stack)} is none: set it to 1 to 22 lower case letters, digits and '-'`,
      },
    ];
  if (!reservedEnvironments.includes(environment)) return [];
  const message = `${JSON.stringify(environment)}: is the name of a context of CircleCI that environments share; set it to another`;
  return [{ location, message }];
}
