import { parseDocument } from "yaml";
import type { z } from "zod";
import { ConfigError, type Yaml } from "../../../../circleci/yaml.ts";

/** Reads a document; anchors and merge keys are resolved, as CircleCI does. @throws ConfigError */
export function parseConfig(text: string): Yaml {
  const document = parseDocument(text, { merge: true });
  const [error] = document.errors;
  if (error !== undefined) throw new ConfigError("", `is not valid YAML: ${error.message}`);
  // Plain YAML without custom tags yields nothing else.
  return document.toJS() as Yaml;
}

/** Checks one part of a config. @throws ConfigError that names the first wrong key */
export function checkAt<T>(location: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  // A key that is unknown often is why others are missing.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  const path = [location, ...(issue?.path ?? [])].filter((part) => part !== "").join(".");
  if (issue?.code === "unrecognized_keys")
    throw new ConfigError(
      path,
      `the sandbox's CircleCI does not know the key ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}: ` +
        "it is a stand-in that runs what `delivery ci-config` generates",
    );
  throw new ConfigError(path, issue?.message ?? "is not as CircleCI takes it");
}
