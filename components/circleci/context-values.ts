import * as pulumi from "@pulumi/pulumi";
import { imageKeyVariable } from "../../core/names.ts";
import { signingKeyVariable } from "../../git/signing-keys.ts";
import type { ContextsArgs, ValueSource } from "./contexts.ts";
import type { Registry, Secrets } from "../secrets.ts";

/** Where the values of a context's variables come from. */
export interface ContextSources extends Pick<ContextsArgs, "pull"> {
  registry?: Registry | undefined;
  readGit?: { username: string | undefined; token: pulumi.Output<string> } | undefined;
  /** The stack's secrets, by name. */
  secrets: Secrets;
}

/** The values of a context's variables. @throws Error where there is none, which the configuration has checked */
export function contextValues(
  variables: Readonly<Record<string, ValueSource>>,
  sources: ContextSources,
): Record<string, pulumi.Input<string>> {
  return Object.fromEntries(
    Object.entries(variables).map(([variable, source]) => {
      const value = contextValue(source, sources);
      return [variable, oneLine.has(variable) ? onOneLine(value) : value];
    }),
  );
}

const oneLine: ReadonlySet<string> = new Set([signingKeyVariable, imageKeyVariable]);

/** In base64: CircleCI masks a value in logs by the line, and a private key has many. */
function onOneLine(key: pulumi.Input<string>): pulumi.Output<string> {
  return pulumi.output(key).apply((text) => Buffer.from(text).toString("base64"));
}

/** @throws Error where there is none, which the configuration has checked */
export function contextValue(
  source: ValueSource,
  { registry, pull, readGit, secrets }: ContextSources,
): pulumi.Input<string> {
  const values: Readonly<Record<string, pulumi.Input<string> | undefined>> = {
    "images.username": registry?.username,
    registryPassword: registry?.password,
    "images.pull.registry": pull?.registry,
    "images.pull.username": pull?.username,
    "gitops.username": readGit?.username,
    gitToken: readGit?.token,
  };
  const value = source.startsWith("secrets.") ? secrets.get(source.slice("secrets.".length)) : values[source];
  if (value === undefined) throw new Error(`the stack has no ${source}`);
  return value;
}
