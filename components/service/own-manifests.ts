import { globSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import type { Problem } from "../../core/problem.ts";
import { valueProblems } from "../../core/setting-values.ts";
import { parseManifests } from "../../kubernetes/manifests.ts";
import { describe, kindOf, nameOf, type KubernetesObject } from "../../kubernetes/object.ts";
import { isClusterScoped } from "../../kubernetes/scope.ts";
import { fieldProblems } from "../../kubernetes/field-problems.ts";
import { objectPodProblems } from "../../kubernetes/pod-problems.ts";
import { isKnownVersion, typeOfKind } from "../../kubernetes/schema.ts";
import { isDirectory, isNeverSource, type SettingOrigin } from "./candidates.ts";
import type { OwnObject } from "./own-objects.ts";

export interface OwnManifestsArgs {
  /** The root of the monorepo, relative to the program. */
  readonly root: string;
  readonly origin: SettingOrigin;
  /** Whether Git ignores a path below the root. */
  readonly isIgnored: (path: string) => boolean;
}

/**
 * The objects in the files that the globs mean, in the order of their paths.
 * @param problems what is wrong with them is added
 */
export function readOwnManifests(
  globs: readonly string[],
  { root, origin, isIgnored }: OwnManifestsArgs,
  problems: Problem[],
): OwnObject[] {
  const files = globs.flatMap((glob, index) => {
    const found = globSync(glob, { cwd: root, exclude: (path) => isNeverSource(basename(path)) });
    const own = found.filter((path) => !isIgnored(path)).map((path) => join(root, path));
    const folders = own.filter(isDirectory);
    for (const folder of folders)
      problems.push({
        location: origin("manifests", String(index)),
        message: `${JSON.stringify(glob)}: ${folder} is a directory; name the files in it, such as ${relative(root, folder)}/*.yaml`,
      });
    if (folders.length > 0) return [];
    if (own.length === 0)
      problems.push({
        location: origin("manifests", String(index)),
        message: `${JSON.stringify(glob)}: matches no file below ${root}, of which globs begin at the root; correct it, or remove it`,
      });
    return own;
  });
  return [...new Set(files)].toSorted().flatMap((file) => objectsIn(file, problems));
}

function objectsIn(file: string, problems: Problem[]): OwnObject[] {
  const parsed = parseManifests(readFileSync(file, "utf8"));
  if ("problem" in parsed) {
    problems.push({ location: file, message: parsed.problem });
    return [];
  }
  problems.push(...parsed.objects.flatMap((object) => objectProblems(file, object)));
  return parsed.objects.map((object) => ({ file, object }));
}

function objectProblems(file: string, object: KubernetesObject): Problem[] {
  const { apiVersion, kind } = kindOf(object);
  const location = `${file}: ${describe(object)}`;
  if (kind === "Secret" && apiVersion === "v1")
    return [
      {
        location,
        message:
          "is a Secret, which would be in Git; set its values with `pulumi config set --secret`, name them in `secrets` of the service, and remove it here",
      },
    ];
  if (kind === "Kustomization" || kind === "Component")
    return [
      { location, message: "is a file of kustomize, and no object; name the manifests themselves, and use `patches`" },
    ];
  if (isClusterScoped({ apiVersion, kind }))
    return [
      {
        location,
        message:
          "is in no namespace; an environment has its own namespace and nothing else: leave it to whoever runs the cluster",
      },
    ];
  if (typeOfKind(apiVersion, kind) === undefined && isKnownVersion(apiVersion))
    return [{ location, message: `${apiVersion} of Kubernetes has no kind ${kind}; correct apiVersion or kind` }];
  if (!isName(nameOf(object)))
    return [{ location, message: "metadata.name: must be lower case letters, digits, '-' and '.', at most 253" }];
  const fields = fieldProblems(apiVersion, kind, object).map(({ path, message }) => `${path.join(".")}: ${message}`);
  const messages = fields.length > 0 ? fields : objectPodProblems(object);
  return [...messages.map((message) => ({ location, message })), ...valueProblems(file, object)];
}

/** Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
function isName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9:.]*[a-z0-9])?$/.test(name);
}
