import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { sandboxSettings } from "../../../sandbox/machine/endpoints.ts";
import type { Environment } from "./environment.ts";
import type { GitOpsHarness } from "./gitops-harness.ts";

/**
 * Writes the stack file of an environment that commands read.
 * @param directory the program's, as the commands see it
 * @param more settings beyond the version, the app and the images
 */
export function writeStackFile(
  { sandbox }: GitOpsHarness,
  shop: Environment,
  directory: string,
  more: Readonly<Record<string, unknown>>,
): void {
  const { images } = sandboxSettings();
  const file = {
    schemaVersion: 2,
    environment: shop.name,
    app: { name: shop.app, directory: shop.monorepo.directory },
    images: {
      registry: sandbox.endpoints.registryHost,
      organization: images.organization,
      username: images.username,
      source: "registry",
    },
    ...more,
  };
  const config = Object.fromEntries(Object.entries(file).map(([key, value]) => [`delivery:${key}`, value]));
  mkdirSync(join(directory, "stacks"), { recursive: true });
  writeFileSync(join(directory, "stacks", `Pulumi.${shop.name}.yaml`), stringify({ config }));
}
