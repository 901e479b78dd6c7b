import { parseAllDocuments } from "yaml";
import { temporaryDirectory } from "../../../core/atomic-file.ts";
import { outputOf } from "../../../core/process.ts";
import { isMap, type JsonValue } from "../../../kubernetes/json.ts";
import { annotationOf, kindOf, stringAt, type KubernetesObject } from "../../../kubernetes/object.ts";
import { gitEnvironment } from "../git-server/repositories.ts";
import type { RunEvent } from "./event.ts";
import { isTrue } from "./expression.ts";

const directory = ".tekton";
export const annotation = (name: string): string => `pipelinesascode.tekton.dev/${name}`;

/**
 * The runs in `.tekton` of the default branch, as `pipelinerun_provenance: default_branch` has it: what a pull request changes there
 * counts once it is merged.
 * @throws Error that names the file which is none
 */
export async function readTemplates({ cloneUrl, defaultBranch }: RunEvent): Promise<string[]> {
  using clone = temporaryDirectory("delivery-pipelines-as-code-");
  const git = (...args: string[]): Promise<string> =>
    outputOf("git", ["-C", clone.path, ...args], { env: { PATH: process.env["PATH"], ...gitEnvironment } });
  await git("clone", "--quiet", "--bare", "--depth=1", `--branch=${defaultBranch}`, cloneUrl, ".");
  const listed = await git("ls-tree", "-r", "--name-only", "HEAD", `${directory}/`);
  const files = listed.split("\n").filter((file) => /\.ya?ml$/.test(file));
  // Awaited here: the clone is gone at the end of this function.
  return await Promise.all(files.map((file) => git("show", `HEAD:${file}`)));
}

/** Those that an event starts, with what it says in place of their placeholders. @throws Error for what is no template */
export function startedBy(event: RunEvent, templates: readonly string[], authSecret: string): KubernetesObject[] {
  return templates
    .flatMap((text) => objectsIn(filled(text, event, authSecret)))
    .filter((object) => kindOf(object).kind === "PipelineRun" && matches(object, event));
}

/** They need no name: `generateName` will do. */
function objectsIn(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) throw new Error(`a file of ${directory} is not YAML: ${fault.message.trimEnd()}`);
    // Kubernetes objects are JSON.
    const object = document.toJS() as JsonValue;
    if (!isMap(object)) throw new Error(`a file of ${directory} has something that is no Kubernetes object`);
    return object;
  });
}

/** What is not known stays as it is. Source: https://pipelinesascode.com/docs/guide/authoringprs/ */
function filled(text: string, event: RunEvent, authSecret: string): string {
  const values: Readonly<Record<string, string>> = {
    event_type: event.event,
    git_auth_secret: authSecret,
    pull_request_number: String(event.pullRequest ?? ""),
    // At GitHub, what people see is what Git clones and pushes to; here, Git has a server of its own.
    repo_url: event.cloneUrl,
    revision: event.revision,
    source_branch: event.sourceBranch,
    source_url: event.sourceUrl,
    target_branch: event.targetBranch,
  };
  return text.replaceAll(/\{\{ *([a-z_]+) *\}\}/g, (all, name: string) => values[name] ?? all);
}

function matches(run: KubernetesObject, event: RunEvent): boolean {
  const expression = annotationOf(run, annotation("on-cel-expression"));
  if (expression !== undefined)
    // Who asks for a run by its name asks for one that says so.
    return event.event !== "incoming" && isTrue(expression, variablesOf(event));
  return (
    listOf(annotationOf(run, annotation("on-event"))).includes(event.event) &&
    listOf(annotationOf(run, annotation("on-target-branch"))).includes(event.targetBranch)
  );
}

function variablesOf({ event, sourceBranch, targetBranch, sourceUrl, url }: RunEvent): Record<string, string> {
  return { event, source_branch: sourceBranch, target_branch: targetBranch, source_url: sourceUrl, target_url: url };
}

/** `[main, other]`. */
function listOf(text = ""): string[] {
  return text
    .replace(/^\[|\]$/g, "")
    .split(",")
    .map((entry) => entry.trim());
}

/** The name that a run has in its file, by which its status is known: for `generateName` without what the API server appends. */
export function originalName(run: KubernetesObject): string {
  return stringAt(run, "metadata", "name") ?? stringAt(run, "metadata", "generateName") ?? "";
}
