import { isMap, parseYaml } from "../../core/yaml.ts";

/** Of a claim, what Kubernetes lets nobody change; its size can grow. */
interface ClaimSpec {
  readonly accessModes: unknown;
  readonly storageClassName: unknown;
  readonly size: string;
}

/**
 * Changes of volumes in files of manifests that Kubernetes refuses, so that Argo CD could not apply them.
 * @param before by path, as the files are declared so far; likewise `after`. What is no map of texts is not known yet.
 */
export function claimChangeProblems(before: unknown, after: unknown): string[] {
  if (!isMap(before) || !isMap(after)) return [];
  return Object.entries(after).flatMap(([path, content]) => {
    const [old, now] = [objectIn(before[path]), objectIn(content)];
    if (old === undefined || now === undefined || old["kind"] !== now["kind"]) return [];
    const problem =
      now["kind"] === "PersistentVolumeClaim"
        ? claimProblem(claimSpec(old), claimSpec(now))
        : now["kind"] === "StatefulSet"
          ? templateProblem(old, now)
          : undefined;
    return problem === undefined ? [] : [`${JSON.stringify(path)}: ${problem}`];
  });
}

function claimProblem(old: ClaimSpec, now: ClaimSpec): string | undefined {
  const hint = "put it back; or declare another volume, copy the data, and remove this one";
  if (bytesOf(now.size) < bytesOf(old.size))
    return `a volume cannot shrink, and this one would from ${old.size} to ${now.size}: ${hint}`;
  const changed = (["accessModes", "storageClassName"] as const).find(
    (key) => JSON.stringify(old[key]) !== JSON.stringify(now[key]),
  );
  const name = changed === "accessModes" ? "accessMode" : "storageClass";
  return changed === undefined ? undefined : `the ${name} of a volume that is there cannot change: ${hint}`;
}

function templateProblem(old: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>) {
  const templates = (object: Readonly<Record<string, unknown>>): string =>
    JSON.stringify(isMap(object["spec"]) ? object["spec"]["volumeClaimTemplates"] : undefined);
  return templates(old) === templates(now)
    ? undefined
    : "the volumes of single pods cannot change while their StatefulSet is there: put them back, and let the claims that there are grow by `kubectl patch pvc`; or give the service another name, and copy the data";
}

function objectIn(content: unknown): Readonly<Record<string, unknown>> | undefined {
  // Most files are of other kinds, and there are many.
  if (typeof content !== "string" || !/^kind: "?(PersistentVolumeClaim|StatefulSet)"?$/m.test(content))
    return undefined;
  const parsed = parseYaml(content);
  return "value" in parsed && isMap(parsed.value) ? parsed.value : undefined;
}

function claimSpec({ spec }: Readonly<Record<string, unknown>>): ClaimSpec {
  const { accessModes, storageClassName, resources } = isMap(spec) ? spec : {};
  const requests = isMap(resources) && isMap(resources["requests"]) ? resources["requests"] : {};
  const { storage } = requests;
  const size = typeof storage === "string" || typeof storage === "number" ? String(storage) : "";
  return { accessModes, storageClassName, size };
}

const units: Readonly<Record<string, number>> = { Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };

/** What is written otherwise, by a patch, counts as nothing: the cluster judges it. */
function bytesOf(size: string): number {
  const [, number = "", unit = ""] = /^(\d+)(Mi|Gi|Ti)$/.exec(size) ?? [];
  return number === "" ? Number.NaN : Number(number) * (units[unit] ?? Number.NaN);
}
