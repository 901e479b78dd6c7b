import { composeRuns, isComposeFile } from "./compose-file.ts";
import { replaceHost } from "./hosts.ts";
import { manifestRuns } from "./manifest-file.ts";
import type { Repository } from "./repository.ts";
import { isInitContainer, mergeRuns, type Run } from "./run.ts";

/** All that the repository says of how its containers run, Compose first: it says what is built, too. */
export function readRuns(repository: Pick<Repository, "files" | "read">): Run[] {
  const compose = repository.files
    .filter(isComposeFile)
    .toSorted(
      (a, b) => Number(isForDevelopers(a)) - Number(isForDevelopers(b)) || depth(a) - depth(b) || a.length - b.length,
    );
  const manifests = repository.files.filter(
    (file) =>
      /\.ya?ml$/.test(file) &&
      !isComposeFile(file) &&
      !/(^|\/)(test\w*|testdata|examples?|samples?|docs?|vendor|node_modules)\//.test(file),
  );
  const all = withHostNames(
    mergeRuns([
      ...compose.flatMap((file) => composeRuns(repository, file)),
      ...manifestRuns(new Map(manifests.map((file) => [file, repository.read(file) ?? ""]))),
    ]),
  );
  const ending = new Set(all.flatMap(({ waitsFor }) => waitsFor));
  return all.map((run) => (run.runs === "always" && ending.has(run.name) ? { ...run, runs: "once" } : run));
}

/** Compose takes names that are no hosts in Kubernetes, such as `my_db`: these have dashes here, wherever they are written. */
function withHostNames(runs: readonly Run[]): Run[] {
  const host = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-");
  const taken = new Set(runs.map(({ name }) => name));
  const changed = runs
    .map(({ name }) => name)
    .filter((name) => !isInitContainer({ name }) && host(name) !== name && !taken.has(host(name)));
  const rename = (text: string): string => changed.reduce((to, name) => replaceHost(to, name, host(name)), text);
  return runs.map((run) => ({
    ...run,
    name: rename(run.name),
    aliases: run.aliases.filter((alias) => alias !== rename(run.name)),
    dependsOn: run.dependsOn.map(rename),
    waitsFor: run.waitsFor.map(rename),
    environment: Object.fromEntries(Object.entries(run.environment).map(([name, value]) => [name, rename(value)])),
    command: run.command?.map(rename),
    args: run.args?.map(rename),
  }));
}

function isForDevelopers(file: string): boolean {
  return /[._-](dev|development|local)\b/.test(file);
}

function depth(path: string): number {
  return path.split("/").length;
}
