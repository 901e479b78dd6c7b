import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseAllDocuments } from "yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { previewContext, previewFiles } from "../../../../cli/preview-environment/preview-files.ts";
import { fileKey, type MountedFile } from "../../../../components/service/files.ts";
import { dependencyFiles, serviceFiles } from "../../../../components/manifests/manifest-files.ts";
import { dependencyManifests } from "../../../../components/manifests/dependency.ts";
import { serviceManifests } from "../../../../components/manifests/manifests.ts";
import { temporaryDirectory } from "../../../../core/atomic-file.ts";
import { outputOf } from "../../../../core/process.ts";
import { writeYaml } from "../../../../core/yaml.ts";
import { previousImages, previousImagesFile } from "../../../../git/allowed-images.ts";
import type { Service } from "../../../../components/service/service.ts";
import { initialRecord, recordWith } from "../../../../git/release-record.ts";
import { buildTools } from "../../../../sandbox/machine/tools/go-tools.ts";
import { generatedStrings, nastyStrings } from "../../../support/nasty-strings.ts";
import { environment, sampleContext, sampleService } from "../../../support/sample-shop.ts";

// What kustomize reads is not what the library that writes it would read: only the real one can say what arrives.
let kustomize: string;
beforeAll(async () => {
  ({ kustomize } = await buildTools(["kustomize"], () => undefined));
}, 1_800_000);

const directory = temporaryDirectory("manifest-files-");
afterAll(() => directory[Symbol.dispose]());

/** The objects that kustomize makes of files, by kind, as both versions of YAML read its answer. */
async function rendered(
  name: string,
  files: Readonly<Record<string, string>>,
  root = ".",
): Promise<Map<string, unknown>> {
  for (const [file, text] of Object.entries(files)) {
    const path = join(directory.path, name, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const output = await outputOf(kustomize, ["build", join(directory.path, name, root)]);
  const read = (version: "1.1" | "1.2") =>
    parseAllDocuments(output, { version }).map((document) => document.toJS() as unknown);
  expect(read("1.1")).toEqual(read("1.2"));
  return new Map(
    read("1.2").flatMap((object) => [
      [kindOf(object), object],
      [`${kindOf(object)} ${String(Object(Object(object).metadata).name)}`, object],
    ]),
  );
}

function kindOf(object: unknown): string {
  return typeof object === "object" && object !== null && "kind" in object ? String(object.kind) : "";
}

const digest = `sha256:${"0123456789".repeat(7).slice(0, 64)}`;
const repository = "docker.io/acme/shop-link";
// Kustomize writes a lone dot without quotes, which is right; the library reads it as a number in 1.1, which it is not.
const values = [...nastyStrings, ...generatedStrings(7, 1000)].filter((value) => !/^[-+]?\._*$/.test(value));
const env = Object.fromEntries(values.map((value, index) => [`V${index}`, value]));

test("a service's environment variables arrive as they are", async () => {
  const link = sampleService("link", { env });
  const manifests = serviceManifests(sampleContext([link]), link, { image: repository });
  const objects = await rendered("service", {
    ...serviceFiles(manifests),
    "release/kustomization.yaml": recordWith({ repository, digest, sourceCommit: "1234567" }),
  });
  expect(objects.get("ConfigMap")).toMatchObject({ data: env });
  // Numbers are no strings, and the other way round.
  expect(objects.get("Deployment")).toMatchObject({
    spec: {
      replicas: 1,
      template: {
        metadata: { annotations: { "delivery/config-checksum": expect.any(String) } },
        spec: {
          automountServiceAccountToken: false,
          containers: [{ image: `${repository}@${digest}`, ports: [{ containerPort: 7070 }] }],
        },
      },
    },
  });
});

test("a service's files, words and commands arrive as they are", async () => {
  const files = values.map((text, index): [string, MountedFile] => [`/etc/${index}`, { text }]);
  const link = sampleService("link", {
    mountedFiles: { ...Object.fromEntries(files), "/etc/bytes": { binary: "AAE=" }, "/etc/key": { secret: "key" } },
    command: values,
    args: values,
    probes: { liveness: { exec: values } },
    preStop: { exec: values },
  });
  const manifests = serviceManifests(sampleContext([link]), link, { image: repository });
  const objects = await rendered("files", {
    ...serviceFiles(manifests),
    "release/kustomization.yaml": recordWith({ repository, digest, sourceCommit: "1234567" }),
  });
  expect(objects.get("ConfigMap link.files")).toMatchObject({
    data: Object.fromEntries(files.map(([path], index) => [fileKey(path), values[index]])),
    binaryData: { [fileKey("/etc/bytes")]: "AAE=" },
  });
  const exec = { exec: { command: values } };
  expect(objects.get("Deployment")).toMatchObject({
    spec: {
      template: {
        spec: {
          containers: [{ command: values, args: values, livenessProbe: exec, lifecycle: { preStop: exec } }],
          volumes: [{ emptyDir: {} }, { name: "files" }, { name: "secret-files", secret: { defaultMode: 0o440 } }],
        },
      },
    },
  });
});

test("a dependency's environment variables arrive as they are", async () => {
  const settings = { image: "postgres:17", port: 5432, env, secrets: {}, scratch: [] };
  const objects = await rendered(
    "dependency",
    dependencyFiles(dependencyManifests(environment, "db", settings, ["link"])),
  );
  const list = Object.entries(env).map(([name, value]) => ({ name, value }));
  expect(objects.get("Deployment")).toMatchObject({ spec: { template: { spec: { containers: [{ env: list }] } } } });
});

test("a preview environment's variables arrive as they are", async () => {
  const link = sampleService("link", { env });
  const context = previewContext({ app: "shop", pullRequest: 12, services: [link], dependencies: {} });
  const files = previewFiles("previews/pr-12", context, new Map([["link", { repository, digest }]]));
  const objects = await rendered("preview", files, "previews/pr-12");
  expect(objects.get("ConfigMap")).toMatchObject({ data: env });
  expect(objects.get("Deployment")).toMatchObject({
    spec: { template: { spec: { containers: [{ image: `${repository}@${digest}` }] } } },
  });
});

test.each([
  ["Deployment", {}],
  ["StatefulSet", { volumes: { data: { path: "/data", size: "1Gi", perPod: true } } }],
  ["Rollout", { rollout: { strategy: "blueGreen" } }],
  ["CronJob", { kind: "cron", schedule: "0 4 * * *" }],
  ["Job", { kind: "job" }],
] as const)("the pods of a %s may have the image of the release record, and those before", async (kind, settings) => {
  const link = sampleService("link", settings);
  const context = sampleContext([link], { admission: { action: "enforce", images: [] } });
  const before = `${repository}@sha256:${"a".repeat(64)}`;
  const objects = await rendered(`images-${kind}`, {
    ...serviceFiles(serviceManifests(context, link, { image: repository })),
    "release/kustomization.yaml": recordWith({ repository, digest }),
    [previousImagesFile]: previousImages([before]),
  });
  expect(objects.get(kind)).toMatchObject({ metadata: { name: "link" } });
  expect(objects.get("ConfigMap link.images")).toMatchObject({
    metadata: { name: "link.images", namespace: environment.namespace },
    data: { current: `${repository}@${digest}`, "previous-1": before },
  });
});

const canary: Partial<Service> = { replicas: 2, rollout: { strategy: "canary", steps: [{ weight: 50 }] } };

test.each([
  ["Deployment", {}],
  ["Rollout", canary],
])("before its first release, a %s's pods may have nothing", async (kind, settings) => {
  const link = sampleService("link", settings);
  const context = sampleContext([link], { admission: { action: "enforce", images: [] } });
  const objects = await rendered(`images-unreleased-${kind}`, {
    ...serviceFiles(serviceManifests(context, link, { image: repository })),
    "release/kustomization.yaml": initialRecord("link"),
    [previousImagesFile]: previousImages([]),
  });
  expect(objects.get("ConfigMap link.images")).toMatchObject({ data: { current: repository } });
});

test.each(["0123456", "1e10000", "12345678", "0000000", "7e12345"])(
  "the commit %s in a release record stays a text",
  async (sourceCommit) => {
    const record = recordWith({ repository, digest, sourceCommit }, { digest, sourceCommit });
    const objects = await rendered(`commit-${sourceCommit}`, {
      "kustomization.yaml": writeYaml({ resources: ["a.yaml"], components: ["release"] }),
      "a.yaml": writeYaml({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } }),
      "release/kustomization.yaml": record,
    });
    expect(objects.get("ConfigMap")).toMatchObject({ metadata: { name: "a" } });
    expect(record).toContain(`"${sourceCommit}"`);
  },
);

test.each<[kind: string, settings: Partial<Service>, nothing: object]>([
  ["Deployment", {}, { spec: { replicas: 0 } }],
  ["StatefulSet", { volumes: { data: { path: "/data", size: "1Gi", perPod: true } } }, { spec: { replicas: 0 } }],
  ["Rollout", canary, { metadata: { annotations: { "argocd.argoproj.io/hook": "Skip" } } }],
  ["CronJob", { kind: "cron", port: undefined, schedule: "@daily" }, { spec: { suspend: true } }],
  ["Job", { kind: "job", port: undefined }, { spec: { completions: 0 } }],
])("before its first release, a %s has no pods, and then the released image", async (kind, settings, nothing) => {
  const link = sampleService("link", settings);
  const files = serviceFiles(serviceManifests(sampleContext([link]), link, { image: repository }));
  const unreleased = await rendered(`unreleased-${kind}`, {
    ...files,
    "release/kustomization.yaml": initialRecord("link"),
  });
  expect(unreleased.get(kind)).toMatchObject(nothing);
  const released = await rendered(`released-${kind}`, {
    ...files,
    "release/kustomization.yaml": recordWith({ repository, digest }),
  });
  expect(released.get(kind)).not.toMatchObject(nothing);
  expect(JSON.stringify(released.get(kind))).toContain(`"${repository}@${digest}"`);
});

test.each(["y", "on", "null", "1e3", "no"])("a service may be called %s", async (name) => {
  const service = sampleService(name, { env: { [name]: name } });
  const manifests = serviceManifests(sampleContext([service]), service, { image: repository });
  const objects = await rendered(`name-${name}`, {
    ...serviceFiles(manifests),
    "release/kustomization.yaml": initialRecord(name),
  });
  expect(objects.get("ConfigMap")).toMatchObject({ metadata: { name }, data: { [name]: name } });
  expect(objects.get("Deployment")).toMatchObject({ metadata: { name }, spec: { replicas: 0 } });
});
