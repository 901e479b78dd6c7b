import { asProgramConfig, readStackFile } from "../../stacks/stack-file.ts";
import { openMockEngine, runProgram } from "./mock-engine.ts";

export const stacks = ["sandbox", "dev", "staging", "prod"];

/** What the owner of a stack sets with `pulumi config set --secret`, each value another. */
export const stackSecrets = {
  registryPassword: "value-of-registry-password",
  circleciToken: "value-of-circleci-token",
  kubeconfig: "value-of-kubeconfig",
  secrets: {
    "link-db-password": "value-of-link-db-password",
    "user-db-password": "value-of-user-db-password",
    "social-graph-db-password": "value-of-social-graph-db-password",
    "pull-token": "value-of-pull-token",
    "token-secret": "value-of-token-secret",
    "deploy-token": "value-of-deploy-token",
    "previews-token": "value-of-previews-token",
    "github-token": "value-of-github-token",
    "pulumi-passphrase": "value-of-pulumi-passphrase",
    "pulumi-backend": "value-of-pulumi-backend",
    "registry-user": "value-of-registry-user",
    "registry-password": "value-of-the-password-of-previews",
  },
};

export type DeclaredResources = Record<string, Record<string, unknown>>;

/**
 * All that a stack declares, as if each of its services were released and applied by the program: its images are built
 * and its delivery is direct, whatever its file says. The manifests are the same either way.
 */
export async function declareStack(stack: string): Promise<DeclaredResources> {
  const settings = readStackFile(stack);
  const images = { ...Object(settings["delivery:images"]), source: "build" };
  const secrets = Object.fromEntries(Object.entries(stackSecrets).map(([key, value]) => [`delivery:${key}`, value]));
  const engine = await openMockEngine(stack, {
    values: asProgramConfig({ ...settings, "delivery:images": images, "delivery:delivery": "direct", ...secrets }),
    secretKeys: Object.keys(secrets),
  });
  await runProgram();
  return engine.resources();
}

/** The Kubernetes objects of one kind; the caller says what it expects to find in them. */
export function objectsOfKind<T>(resources: DeclaredResources, kind: string): T[] {
  // Mocks return what was declared, whose form the manifests' types have checked already.
  return Object.values(resources).filter((object) => object["kind"] === kind) as T[];
}
