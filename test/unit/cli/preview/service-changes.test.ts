import { expect, test } from "vitest";
import { serviceChanges } from "../../../../cli/preview/service-changes.ts";
import { readValue, type Step, type Value } from "../../../../cli/preview/step.ts";
import { manifestKinds, serviceFiles } from "../../../../components/manifests/manifest-files.ts";
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
  const both = [manifestsOf(before), manifestsOf(settings)] as const;
  for (const { changes } of [inGit(...both), applied(...both)]) expect(changes.toSorted()).toEqual(phrases.toSorted());
});

const daily: Partial<Service> = { kind: "cron", port: undefined, schedule: "0 0 * * *", mountedFiles: {} };
const once: Partial<Service> = { kind: "job", port: undefined };
const stored: Partial<Service> = { volumes: { data: { path: "/data", size: "1Gi", perPod: true } } };
const shared: Partial<Service> = { volumes: { data: { path: "/data", size: "1Gi" } } };
const gone = "the data of link-data stays, and is used no more";

test.each<[from: Partial<Service>, to: Partial<Service>, phrases: string[]]>([
  [daily, { ...daily, schedule: "@hourly" }, ["schedule 0 0 * * * → @hourly"]],
  [daily, { ...daily, timeZone: "Europe/Berlin" }, ["time zone (none) → Europe/Berlin"]],
  [daily, { ...daily, concurrency: "Forbid" }, ["concurrency Allow → Forbid"]],
  [daily, { ...daily, suspended: true }, ["it is suspended"]],
  [{ ...daily, suspended: true }, daily, ["it runs again at its times"]],
  [
    daily,
    { ...daily, history: { successful: 1, failed: 0 } },
    ["successful runs kept 3 → 1", "failed runs kept 1 → 0"],
  ],
  [daily, { ...daily, startingDeadlineSeconds: 60 }, ["seconds that a run may begin late (none) → 60"]],
  [daily, { ...daily, activeDeadlineSeconds: 60 }, ["seconds that a run may take (none) → 60"]],
  [daily, { ...daily, backoffLimit: 0 }, ["further attempts of a run 2 → 0"]],
  [daily, { ...daily, command: ["/tidy"] }, ["command"]],
  [
    once,
    { ...once, activeDeadlineSeconds: 60, backoffLimit: 1 },
    ["seconds that a run may take (none) → 60", "further attempts of a run 2 → 1"],
  ],
  [daily, { ...daily, env: { LEVEL: "info" } }, ["env LEVEL (none) → info", "the next run has the changed settings"]],
  [{ ...stored, replicas: 3 }, { ...stored, replicas: 1 }, ["replicas 3 → 1; the data of the pods that go stays"]],
  [
    stored,
    {},
    [
      "no StatefulSet any more",
      "the data of the pods of link stays, and is used no more",
      "no Service any more",
      "new Deployment",
      "who may call it, or whom it calls",
    ],
  ],
  [once, { ...once, command: ["/import"] }, ["command", "runs again"]],
  [once, { ...once, env: { LEVEL: "info" } }, ["env LEVEL (none) → info", "runs again"]],
  [stored, { ...stored, replicas: 3 }, ["replicas 1 → 3"]],
  [
    stored,
    { volumes: { data: { path: "/data", size: "2Gi", perPod: true } } },
    ["the StatefulSet is made anew: its pods stop, their data stays"],
  ],
  [shared, { volumes: { data: { path: "/data", size: "2Gi" } } }, ["size of a volume 1Gi → 2Gi"]],
  [
    shared,
    stored,
    ["no Deployment any more", gone, "new StatefulSet", "new Service", "who may call it, or whom it calls"],
  ],
  [
    {},
    { kind: "worker", port: undefined },
    ["no Service any more", "ports", "liveness probe", "readiness probe", "startup probe"],
  ],
  [
    { kind: "worker", port: undefined },
    daily,
    ["no Deployment any more", "no PodDisruptionBudget any more", "new CronJob"],
  ],
])("a change from %j to %j is said in words, whatever the delivery", (from, to, phrases) => {
  const both = [manifestsOf(from), manifestsOf(to)] as const;
  for (const { changes } of [inGit(...both), applied(...both)]) expect(changes.toSorted()).toEqual(phrases.toSorted());
});

test("a service of another kind keeps its image, which the comment says", () => {
  const kinds = [{}, { kind: "worker", port: undefined }, daily, once, stored] as const;
  for (const from of kinds)
    for (const to of kinds.filter((kind) => kind !== from))
      expect(applied(manifestsOf(from), manifestsOf(to)).image).toEqual({ before: "0", after: "0" });
});

const gonePods = "the data of the pods of link stays, and is used no more";

test.each<[settings: Partial<Service>, phrases: string[]]>([
  [{}, []],
  [shared, [gone]],
  [stored, [gonePods]],
])("of a service with %j that is gone, what stays is said", (settings, phrases) => {
  const removed = { ...component, after: { repositories: {} } };
  const steps = stepsOf(manifestsOf(settings), undefined);
  const files = { directory: "", before: new Map(), after: new Map() };
  expect(changeOfLink(serviceChanges([removed, ...steps], steps, files, {}))).toMatchObject({
    state: "removed",
    changes: phrases,
  });
});

test("the Job of migrations belongs to their service, and is said once", () => {
  const migration = (digest: string): Value => ({
    metadata: { name: `link-migration-${digest}-1`, labels: { "app.kubernetes.io/name": "link-migration" } },
    spec: { template: { spec: { containers: [{ name: "link", image: digest }] } } },
  });
  const step: Step = {
    ...component,
    action: "replace",
    urn: "urn:migration",
    type: "kubernetes:batch/v1:Job",
    ancestors: ["delivery:cluster:Workload"],
    name: "link-migration",
    custom: true,
    before: migration("1"),
    after: migration("2"),
  };
  const changes = serviceChanges([component, step], [step], { directory: "", before: new Map(), after: new Map() }, {});
  expect(changeOfLink(changes).changes).toEqual(["migrations run"]);
  expect([...changes.reported]).toEqual(["urn:migration"]);
});

type ServiceManifests = ReturnType<typeof manifestsOf>;

/** With GitOps: what is said of files. */
function inGit(old: ServiceManifests, now: ServiceManifests) {
  const files = (manifests: ServiceManifests) =>
    new Map(Object.entries(serviceFiles(manifests)).map(([file, text]) => [`dev/link/${file}`, text]));
  const changes = serviceChanges([component], [], { directory: "dev", before: files(old), after: files(now) }, {});
  return changeOfLink(changes);
}

/** With delivery `direct`: what is said of resources, all of which the lines must report. */
function applied(old: ServiceManifests, now: ServiceManifests) {
  const steps = stepsOf(old, now);
  const changed = steps.filter(({ action }) => action !== "same");
  const changes = serviceChanges(
    [component, ...steps],
    changed,
    { directory: "", before: new Map(), after: new Map() },
    {},
  );
  expect([...changes.reported].toSorted()).toEqual(changed.map(({ urn }) => urn).toSorted());
  return changeOfLink(changes);
}

function stepsOf(old: ServiceManifests, now: ServiceManifests | undefined): Step[] {
  return objectsOf(old, now).flatMap(({ id, type, before: one, after: other }): Step[] => {
    const same = JSON.stringify(one) === JSON.stringify(other);
    const action = same ? "same" : one === undefined ? "create" : other === undefined ? "delete" : "update";
    const ancestors = ["delivery:cluster:Workload"];
    return [
      {
        ...component,
        action,
        urn: `urn:${id}`,
        type,
        ancestors,
        name: "link",
        custom: true,
        before: one,
        after: other,
      },
    ];
  });
}

function changeOfLink({ changed }: ReturnType<typeof serviceChanges>) {
  const [change] = changed;
  if (change === undefined || changed.length > 1) throw new Error(`${changed.length} services change`);
  return change;
}

/** The objects of a service before and afterwards, as the engine's events have them. */
function objectsOf(old: ServiceManifests, now: ServiceManifests | undefined) {
  const list = (manifests: ServiceManifests): Map<string, { type: string; object: Value }> =>
    new Map(
      (Object.keys(manifestKinds) as (keyof ServiceManifests)[]).flatMap((key) => {
        const [apiVersion, kind] = manifestKinds[key];
        const type = `kubernetes:${apiVersion === "v1" ? "core/v1" : apiVersion}:${kind}`;
        return [manifests[key] ?? []].flat().map((object, index) => {
          const read: Value = readValue(JSON.parse(JSON.stringify(object)));
          return [`${key} ${index}`, { type, object: read }] as const;
        });
      }),
    );
  const [earlier, later] = [list(old), now === undefined ? new Map<string, never>() : list(now)];
  // The engine deletes last.
  return [...new Set([...later.keys(), ...earlier.keys()])].map((id) => ({
    id,
    type: (earlier.get(id) ?? later.get(id))?.type ?? "",
    before: earlier.get(id)?.object,
    after: later.get(id)?.object,
  }));
}
