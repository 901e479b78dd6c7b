import { expect, test } from "vitest";
import type { Manifests } from "../../../../cli/preview/manifest-diff.ts";
import { serviceChanges } from "../../../../cli/preview/service-changes.ts";
import type { Step } from "../../../../cli/preview/step.ts";
import { serviceFiles } from "../../../../components/manifests/manifest-files.ts";
import { serviceManifests } from "../../../../components/manifests/manifests.ts";
import type { Service } from "../../../../components/service/service.ts";
import { sampleContext, sampleService } from "../../../support/sample-shop.ts";

const before: Partial<Service> = {
  mountedFiles: { "/etc/app.yaml": { text: "1" }, "/etc/old.png": { binary: "AAE=" } },
  preStop: { sleep: 5 },
};

const manifestsOf = (settings: Partial<Service>) => {
  const link = sampleService("link", settings);
  return serviceManifests(sampleContext([link]), link, { image: "docker.io/acme/shop-link@sha256:0" });
};

const component: Step = {
  action: "same",
  urn: "urn:images",
  type: "delivery:images:ServiceImage",
  ancestors: [],
  name: "shop",
  custom: false,
  before: { repositories: { link: "docker.io/acme/shop-link" } },
  after: { repositories: { link: "docker.io/acme/shop-link" } },
  outputs: undefined,
  changes: [],
};

test.each<[settings: Partial<Service>, phrases: string[]]>([
  [
    { ...before, mountedFiles: { ...before.mountedFiles, "/etc/app.yaml": { text: "2" } } },
    ["pods restart", "file app.yaml"],
  ],
  [
    { ...before, mountedFiles: { "/etc/app.yaml": { text: "1" }, "/etc/b": { text: "" } } },
    ["pods restart", "volumes", "files", "new file b"],
  ],
  [{ ...before, preStop: { sleep: 6 } }, ["what goes before the end of a pod"]],
  [{ ...before, terminationGracePeriodSeconds: 60 }, ["seconds to end in (none) → 60"]],
  [{ ...before, replicas: 2 }, ["replicas 1 → 2"]],
  [{ ...before, ports: { http: { port: 7070 }, admin: { port: 1 } } }, ["ports", "security context", "Service ports"]],
])("a change to %j is said in words, whatever the delivery", (settings, phrases) => {
  const [old, now] = [manifestsOf(before), manifestsOf(settings)];
  const files = (manifests: typeof old) =>
    new Map(Object.entries(serviceFiles(manifests)).map(([file, text]) => [`dev/link/${file}`, text]));
  const inGit: Manifests = { directory: "dev", before: files(old), after: files(now) };
  const { changed } = serviceChanges([component], [], inGit, {});
  expect(changed.map(({ changes }) => changes.toSorted())).toEqual([phrases.toSorted()]);

  const kinds = { files: "ConfigMap", deployment: "Deployment", service: "Service" } as const;
  const steps = (Object.keys(kinds) as (keyof typeof kinds)[]).map((key): Step => ({
    ...component,
    action: "update",
    urn: `urn:${key}`,
    type: `kubernetes:core/v1:${kinds[key]}`,
    ancestors: ["delivery:cluster:Workload"],
    name: key === "files" ? "link.files" : "link",
    custom: true,
    // As the engine's events have it.
    before: JSON.parse(JSON.stringify(old[key])),
    after: JSON.parse(JSON.stringify(now[key])),
  }));
  const applied = serviceChanges(
    [component, ...steps],
    steps,
    { directory: "", before: new Map(), after: new Map() },
    {},
  );
  expect(applied.changed.map(({ changes }) => changes.toSorted())).toEqual([phrases.toSorted()]);
  expect([...applied.reported].toSorted()).toEqual(steps.map(({ urn }) => urn).toSorted());
});
