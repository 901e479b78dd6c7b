import { createHash } from "node:crypto";
import { stringify } from "yaml";
import { usedSecrets, type ManifestContext } from "../../components/manifests.ts";
import { metadata, type Environment } from "../../components/manifests/metadata.ts";
import { secretName } from "../../core/names.ts";

const header = `# Made up by \`delivery preview-environment\`: these values open nothing but what runs in this namespace, and are no secret.
# The environments' own secrets never get into Git.
`;

/** Secrets for whatever in a preview environment asks for one, as a file; `undefined`: nothing does. */
export function throwawaySecrets(context: ManifestContext): string | undefined {
  const { environment } = context;
  const secrets = [...usedSecrets(context)].map(([name, variables]) => {
    const values = Object.entries(variables).map(([variable, secret]) => [
      variable,
      throwawayValue(environment, secret),
    ]);
    return {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { ...metadata(environment, name), name: secretName(name) },
      // Encoded, as the cluster keeps it: Argo CD compares the two.
      data: Object.fromEntries(
        values.map(([variable = "", value = ""]) => [variable, Buffer.from(value).toString("base64")]),
      ),
    };
  });
  if (secrets.length === 0) return undefined;
  return header + secrets.map((secret) => stringify(secret, { lineWidth: 0 })).join("---\n");
}

/** The same at every commit, so that pods and databases go on; another one in every preview environment. */
export function throwawayValue({ app, name }: Environment, secret: string): string {
  return `throwaway-${createHash("sha256")
    .update(JSON.stringify([app, name, secret]))
    .digest("hex")
    .slice(0, 32)}`;
}
