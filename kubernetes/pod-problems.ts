import type { JsonMap } from "./json.ts";
import { listAt, mapAt, stringAt, type KubernetesObject } from "./object.ts";
import { podTemplateOf } from "./pod-template.ts";

/**
 * What the API server would not take of an object's pods though each field is right by itself: names that lead nowhere, or to two
 * things.
 * @returns each as part of a message that names the object
 */
export function objectPodProblems(object: KubernetesObject): string[] {
  const template = podTemplateOf(object);
  if (template === undefined) return [];
  const claims = listAt(object, "spec", "volumeClaimTemplates").map(
    (claim) => stringAt(claim, "metadata", "name") ?? "",
  );
  const volumes = listAt(template, "spec", "volumes").map(nameIn);
  const known = new Set([...volumes, ...claims]);
  const containers = (["initContainers", "containers"] as const).flatMap((key) => listAt(template, "spec", key));
  const names = containers.map(nameIn);
  return [
    ...repeated([...volumes, ...claims]).map(
      (name) => `two volumes of the pods are called ${name}; rename one of them`,
    ),
    ...repeated(names).map((name) => `two containers of the pods are called ${name}; rename one of them`),
    ...containers.flatMap((container) => containerProblems(container, known)),
  ];
}

function containerProblems(container: JsonMap, volumes: ReadonlySet<string>): string[] {
  const name = nameIn(container);
  const mounts = listAt(container, "volumeMounts");
  const ports = new Set(listAt(container, "ports").map(nameIn));
  const isName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name);
  return [
    ...(isName ? [] : [`container ${JSON.stringify(name)}: its name must be lower case letters, digits and '-'`]),
    ...(stringAt(container, "image") === "" ? [`container ${name} has an empty image; name one`] : []),
    ...mounts
      .map(nameIn)
      .filter((volume) => !volumes.has(volume))
      .map((volume) => `container ${name} mounts ${volume}, and the pods have no such volume; add it to \`volumes\``),
    ...repeated(mounts.map((mount) => stringAt(mount, "mountPath") ?? "")).map(
      (path) => `container ${name} mounts two volumes at ${path}; take one of them out`,
    ),
    ...["startupProbe", "livenessProbe", "readinessProbe"].flatMap((probe) =>
      ["httpGet", "tcpSocket"].flatMap((method) => {
        const port = stringAt(mapAt(container, probe, method), "port");
        return port === undefined || ports.has(port)
          ? []
          : [`${probe} of container ${name} asks at ${port}, and it has no such port; name one of its ports`];
      }),
    ),
  ];
}

function nameIn(map: JsonMap): string {
  return stringAt(map, "name") ?? "";
}

/** What is there more than once, each said once. */
function repeated(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((text, index) => texts.indexOf(text) < index))];
}
