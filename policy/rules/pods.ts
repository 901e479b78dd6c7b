import { looseSettings } from "../../components/manifests/pod-rights.ts";
import type { JsonMap } from "../../kubernetes/json.ts";
import { listAt, mapAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { containersOf, imagesIn, podTemplateOf, podTemplatesIn } from "../../kubernetes/pod-template.ts";
import type { PolicyRule } from "../rule.ts";

/** Nothing that can become another image behind its name runs. */
export const imageByDigest: PolicyRule = {
  name: "image-by-digest",
  level: "mandatory",
  check: ({ object }, { released }) =>
    podTemplatesIn(object)
      .flatMap(imagesIn)
      .flatMap(({ of, image }) => {
        if (image.includes("@sha256:") || released.has(image) || isPinnedTag(image)) return [];
        return [
          `${of} runs ${JSON.stringify(image)}, which may be another image tomorrow; name a version, or better the digest (\`@sha256:…\`)`,
        ];
      }),
};

/** A tag that names a version is moved by few; that it is moved at all, nobody can exclude. */
export const imageByTag: PolicyRule = {
  name: "image-by-tag",
  level: "advisory",
  check: ({ object }) =>
    podTemplatesIn(object)
      .flatMap(imagesIn)
      .flatMap(({ of, image }) => {
        if (image.includes("@sha256:") || !isPinnedTag(image)) return [];
        return [`${of} runs ${image} by its tag, which can be moved; add the digest (\`@sha256:…\`)`];
      }),
};

/** Without a limit, one service that leaks takes the node's memory from all others. */
export const memoryLimit: PolicyRule = {
  name: "memory-limit",
  level: "mandatory",
  check: ({ object }) =>
    podTemplatesIn(object)
      .flatMap(containersOf)
      .flatMap((container) => {
        const missing = [
          ...(stringAt(container, "resources", "requests", "memory") === undefined ? ["a request"] : []),
          ...(stringAt(container, "resources", "limits", "memory") === undefined ? ["a limit"] : []),
        ];
        if (missing.length === 0) return [];
        return [
          `container ${nameIn(container)} has no ${missing.join(" and no ").replaceAll("a ", "")} of memory; set \`resources\` of the service, or of the container where a patch adds one`,
        ];
      }),
};

/** Pods fit Pod Security's strictest profile. What only `baseline` lets run is another rule. */
export const privilegedPod: PolicyRule = {
  name: "privileged-pod",
  level: "mandatory",
  check: ({ object }) => rightsProblems(object, "privileged"),
};

export const unrestrictedPod: PolicyRule = {
  name: "restricted-pod",
  level: "advisory",
  check: ({ object }) => rightsProblems(object, "baseline"),
};

/** Requests go to pods that do not answer yet, and a release is called good that serves nobody. */
export const readinessProbe: PolicyRule = {
  name: "readiness-probe",
  level: "advisory",
  check: ({ object }) => {
    if (!["Deployment", "Rollout", "StatefulSet"].includes(stringAt(object, "kind") ?? "")) return [];
    const [main] = listAt(podTemplateOf(object) ?? {}, "spec", "containers");
    if (main === undefined || listAt(main, "ports").length === 0 || (main["readinessProbe"] ?? null) !== null)
      return [];
    return [`container ${nameIn(main)} has ports and no readiness probe; set \`probes\` of the service`];
  },
};

function rightsProblems(object: KubernetesObject, level: "baseline" | "privileged"): string[] {
  return podTemplatesIn(object).flatMap((template) => {
    const loose = looseSettings(mapAt(template, "spec"));
    if (loose.settings.length === 0 || loose.level !== level) return [];
    return [
      `its pods need Pod Security \`${level}\`, for ${loose.settings.join(", ")}; remove that from the patches or manifests of the service`,
    ];
  });
}

function nameIn(container: JsonMap): string {
  return stringAt(container, "name") ?? "";
}

/** `redis:8.2`, and not `redis`, `redis:latest` or `redis:stable`. */
function isPinnedTag(image: string): boolean {
  return /:[^:/@]*\d[^:/@]*$/.test(image);
}
