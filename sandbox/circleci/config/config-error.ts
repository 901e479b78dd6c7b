import type { z } from "zod";

/** A config that CircleCI would refuse, or that asks for what this stand-in does not have: the pipeline is errored. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  /** @param place path of keys in the config, e.g. `jobs.build.docker` */
  constructor(place: string, problem: string) {
    super(place === "" ? problem : `${place}: ${problem}`);
  }
}

/** Checks one place of a config. @throws ConfigError that names the first wrong key */
export function checkAt<T>(place: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  // A key that is unknown often is why others are missing.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  const path = [place, ...(issue?.path ?? [])].filter((part) => part !== "").join(".");
  if (issue?.code === "unrecognized_keys")
    throw new ConfigError(
      path,
      `the sandbox's CircleCI does not know the key ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}: ` +
        "it is a stand-in that runs what `delivery ci-config` generates",
    );
  throw new ConfigError(path, issue?.message ?? "is not as CircleCI takes it");
}
