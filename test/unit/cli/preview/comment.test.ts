import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { PullRequest } from "../../../../cli/github/github.ts";
import { findPullRequest, previewMarkdown } from "../../../../cli/preview/comment.ts";
import type { StackPreview } from "../../../../cli/preview/model.ts";
import { stackPreview, type PreviewInput } from "../../../../cli/preview/stack-preview.ts";

// Recorded from `delivery preview` of the sandbox's stack: service news removed, link with 3 replicas and a variable, user
// built anew, and another namespace.
const changed = recorded("changed");
const input: PreviewInput = {
  stack: "dev",
  forkSafe: false,
  limits: [],
  untested: [],
  images: {},
  policies: { rules: [], problems: [] },
};

test("what is replaced or deleted comes with its reason", () => {
  const { losses } = stackPreview(changed, input);
  expect(losses).toEqual([
    loss("replace", "Namespace", "delinkcious", "Cluster", "metadata.name: delinkcious-sandbox → elsewhere"),
    loss("replace", "Secret", "registry-credentials", "Cluster", "metadata.namespace: delinkcious-sandbox → elsewhere"),
    loss("replace", "Secret", "api-gateway", "Cluster", "metadata.namespace: delinkcious-sandbox → elsewhere"),
    loss("delete", "Application", "news", "Argo CD"),
    loss("delete", "Image", "news", "Images"),
  ]);
});

test("a Job that runs again, and data that stays, are no losses: the line of the service says both", () => {
  const parents = "delivery:cluster:Workload$";
  const event = (op: string, type: string, name: string, old: object, now: object | null): object => ({
    resourcePreEvent: {
      metadata: { op, urn: `urn:pulumi:dev::delivery::${parents}${type}::${name}`, type, old, new: now },
    },
  });
  const metadata = { name: "link", labels: { "app.kubernetes.io/name": "link" } };
  const keep = { "argocd.argoproj.io/sync-options": "Prune=false,Delete=false" };
  const job = (image: string): object => ({
    custom: true,
    inputs: { metadata, spec: { template: { spec: { containers: [{ name: "link", image }] } } } },
  });
  const claim = { metadata: { ...metadata, name: "link-data", annotations: keep } };
  const images = { custom: false, inputs: { repositories: { link: "docker.io/acme/shop-link" } } };
  const { losses, services } = stackPreview(
    [
      event("same", "delivery:images:ServiceImage", "shop", images, images),
      event("replace", "kubernetes:batch/v1:Job", "link", job("a@sha256:1"), job("a@sha256:2")),
      event(
        "delete",
        "kubernetes:core/v1:PersistentVolumeClaim",
        "link-data",
        { custom: true, inputs: claim, retainOnDelete: true },
        null,
      ),
      event(
        "delete",
        "kubernetes:core/v1:PersistentVolumeClaim",
        "link-cache",
        { custom: true, inputs: { metadata } },
        null,
      ),
    ],
    input,
  );
  expect(losses).toEqual([loss("delete", "PersistentVolumeClaim", "link-cache", "Services")]);
  expect(services[0]?.changes).toEqual([
    "runs again",
    "the data of link-data stays, and is used no more",
    "no PersistentVolumeClaim any more",
  ]);
});

test("a service's line says in words what changes of its manifests in Git", () => {
  const released = new Map([
    ["link", `sha256:${"3c".repeat(32)}`],
    ["news", `sha256:${"ec".repeat(32)}`],
  ]);
  const { services } = stackPreview(changed, { ...input, images: { released } });
  expect(services.find(({ name }) => name === "link")).toEqual({
    name: "link",
    state: "changed",
    image: { before: "3c3c3c3c3c3c", after: "3c3c3c3c3c3c" },
    changes: [
      "namespace delinkcious-sandbox → elsewhere",
      "env LOG_LEVEL (none) → debug",
      "replicas 1 → 3",
      "pods restart",
    ],
  });
  expect(services.find(({ name }) => name === "news")).toMatchObject({
    state: "removed",
    image: { before: "ecececececec", after: "–" },
  });
});

test("a service without changes is only counted", () => {
  expect(stackPreview(changed, input).unchanged).toEqual(["api-gateway", "social-graph"]);
});

test("the release record says what runs, and the commit what will", () => {
  const released = new Map([["user", `sha256:${"ab".repeat(32)}`]]);
  const rebuilt = { services: new Set(["user"]), commit: "0123456789abcdef" };
  const { services } = stackPreview(changed, { ...input, images: { released, rebuilt } });
  expect(services.find(({ name }) => name === "user")?.image).toEqual({
    before: "abababababab",
    after: "built from 0123456",
  });
  // The image that the program built is not what runs.
  const unread = stackPreview(changed, { ...input, images: { rebuilt } }).services;
  expect(unread.flatMap(({ image }) => image ?? [])).toEqual([{ before: "not known", after: "built from 0123456" }]);
});

test("an image that the update builds is no change of a service where Git says what runs", () => {
  const images = changed.filter((event) => /"urn":"[^"]*(ServiceImage|Image)::user"/.test(JSON.stringify(event)));
  expect(stackPreview(images, input)).toMatchObject({ services: [{ name: "user" }], unchanged: [], builds: [] });
  const preview = stackPreview([...images, idleManifests()], input);
  expect(preview).toMatchObject({ services: [], unchanged: ["user"], builds: ["user"], others: [] });
  expect(previewMarkdown([preview])).toContain(
    "1 service unchanged.\n\nThe update builds the image of <code>user</code>, and does not release it.",
  );
});

test.each(["after", "before and after"])("services are known by one component for all images, %s", (when) => {
  const images: { metadata: { type: string; urn: string } }[] = changed.flatMap((event) =>
    Object(event).resourcePreEvent?.metadata.type === "delivery:images:ServiceImage"
      ? Object(event).resourcePreEvent
      : [],
  );
  const rest = changed.filter((event) => !images.includes(Object(event).resourcePreEvent));
  const repositories = (side: "old" | "new") =>
    Object.fromEntries(
      images.flatMap(({ metadata }) =>
        Object(metadata)[side] == null
          ? []
          : [[metadata.urn.split("::").at(-1), Object(metadata)[side].inputs.repository]],
      ),
    );
  const type = "delivery:images:ServiceImage";
  const urn = `urn:pulumi:sandbox::delivery::${type}::delinkcious`;
  const metadata = { op: "same", urn, type, new: { type, urn, inputs: { repositories: repositories("new") } } };
  const grouped = { ...metadata, op: "update", old: { type, urn, inputs: { repositories: repositories("old") } } };
  // The first update to have the one component deletes those of each service.
  const removed = images.map((event) => ({
    resourcePreEvent: { metadata: { ...event.metadata, op: "delete", new: null } },
  }));
  const events =
    when === "after"
      ? [...rest, { resourcePreEvent: { metadata: { ...metadata, op: "create", old: null } } }, ...removed]
      : [...rest, { resourcePreEvent: { metadata: grouped } }];
  expect(images).toHaveLength(5);
  const { services, unchanged, others, losses } = stackPreview(changed, input);
  expect(stackPreview(events, input)).toMatchObject({ services, unchanged, others, losses });
});

test("manifests are compared file by file", () => {
  const { files } = stackPreview(changed, input);
  expect(files.map(({ path, state }) => `${state} ${path}`)).toEqual([
    "changed sandbox/link/config-map.yaml",
    "changed sandbox/link/deployment.yaml",
    "removed sandbox/news/deployment.yaml",
    "changed sandbox/user/service.yaml",
  ]);
  expect(files[3]?.diff).toMatch(
    /^@@ -\d+ \+\d+ @@\n[^]*\n-  namespace: delinkcious-sandbox\n\+  namespace: elsewhere\n/,
  );
});

test("an error is told once, without the stack of an exception, and fails the preview", () => {
  const trace = {
    diagnosticEvent: { severity: "error", message: "Error: no such thing\n    at run (/srv/x.ts:1:2)\n" },
  };
  const preview = stackPreview([...recorded("faulty"), trace], input);
  expect(preview.errors).toEqual([
    '1 problem; nothing was changed\n  examples/delinkcious/svc/api_gateway_service/service.yaml: peers: "news" is no service; there are api-gateway, link, social-graph, user',
    "Error: no such thing",
  ]);
  expect(previewMarkdown([preview])).toContain("**The preview failed.** What follows is incomplete.");
});

test("a violated policy is told with the resource", () => {
  const policyEvent = {
    resourceUrn: "urn:pulumi:dev::delivery::kubernetes:apps/v1:Deployment::link",
    message: "<{%reset%}>Must have limits\n<{%reset%}>",
    color: "raw",
    policyName: "limits",
    policyPackName: "house",
    policyPackVersion: "1",
    policyPackVersionTag: "1",
    enforcementLevel: "mandatory",
  };
  const preview = stackPreview([{ policyEvent }], input);
  expect(preview.policies).toEqual([
    {
      policy: "limits",
      mandatory: true,
      service: "",
      resource: "Deployment link",
      file: "",
      message: "Must have limits",
    },
  ]);
  expect(previewMarkdown([preview])).toContain(
    "- **mandatory** <code>limits</code> <code>Deployment link</code>: Must have limits",
  );
});

/** A step of one of Argo CD's own objects. */
function installed(op: string, kind: string, name: string, diff: readonly string[] = []): unknown {
  const type = kind === "CustomResourceDefinition" ? `apiextensions.k8s.io/v1:${kind}` : `apps/v1:${kind}`;
  const side = (value: string) => ({
    custom: true,
    inputs: { spec: Object.fromEntries(diff.map((path) => [path, value])) },
  });
  return {
    resourcePreEvent: {
      metadata: {
        op,
        urn: `urn:pulumi:dev::delivery::delivery:gitops:ArgoCd$kubernetes:${type}::argocd:${name}`,
        type: `kubernetes:${type}`,
        old: op === "create" ? null : side("before"),
        new: op === "delete" ? null : side("after"),
        detailedDiff: Object.fromEntries(diff.map((path) => [`spec.${path}`, { diffKind: op, inputDiff: true }])),
      },
    },
  };
}

const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `part-${index}`);

test("the objects of an installation are one line", () => {
  const events = [
    ...many(40).map((name) => installed("create", "Deployment", name)),
    ...many(3).map((name) => installed("create", "CustomResourceDefinition", name)),
  ];
  const preview = stackPreview(events, input);
  expect(preview.others).toEqual([
    {
      area: "Argo CD",
      action: "create",
      kind: "43 objects of the installation",
      name: "argocd",
      changes: ["40 Deployment", "3 CustomResourceDefinition"],
    },
  ]);
  expect(preview.counts).toEqual({ create: 43, same: 0 });
  expect(previewMarkdown([preview])).toContain(
    "- create 43 objects of the installation <code>argocd</code>: <code>40 Deployment</code>, <code>3 CustomResourceDefinition</code>",
  );
});

test("few of them are named, and so is a definition that is lost, whose objects go with it", () => {
  const events = [
    ...many(2).map((name) => installed("update", "Deployment", name, ["replicas"])),
    ...many(7).map((name) => installed("replace", "Deployment", name, ["selector"])),
    ...many(20).map((name) => installed("delete", "Deployment", `old-${name}`)),
    installed("delete", "CustomResourceDefinition", "applications.argoproj.io"),
  ];
  const preview = stackPreview(events, input);
  expect(preview.others.map(({ kind, name, changes }) => [kind, name, changes])).toEqual([
    ["Deployment", "argocd:part-0", ["spec.replicas"]],
    ["Deployment", "argocd:part-1", ["spec.replicas"]],
  ]);
  expect(preview.losses).toEqual([
    loss("delete", "CustomResourceDefinition", "argocd:applications.argoproj.io", "Argo CD"),
    loss("replace", "7 objects of the installation", "argocd", "Argo CD", "spec.selector: before → after"),
    loss("delete", "20 objects of the installation", "argocd", "Argo CD"),
  ]);
});

test("of a definition that a new release changes, not every property is shown", () => {
  const [changes] = stackPreview([installed("update", "CustomResourceDefinition", "a", many(300))], input).properties;
  expect(changes?.lines).toHaveLength(11);
  expect(changes?.lines.at(-1)).toBe("… and 290 more");
});

test("without credentials, what differs in secrets alone is no change", () => {
  const events = [update({ key: envelope("a") }, { key: envelope("b") })];
  expect(stackPreview(events, input).others).toEqual([
    { area: "CI", action: "update", kind: "Context", name: "x", changes: ["key"] },
  ]);
  expect(stackPreview(events, input).properties[0]?.lines).toEqual(["key: another secret"]);
  expect(stackPreview(events, { ...input, forkSafe: true }).others).toEqual([]);
});

test("the report begins with the environments and the commit, and then what is lost", () => {
  const report = previewMarkdown([stackPreview(changed, input), { ...empty(), stack: "prod" }], {
    commit: "0123456789",
  });
  const places = [
    "## Preview of <code>dev</code>, <code>prod</code> at <code>0123456</code>",
    "### <code>dev</code>",
    "3 to replace, 2 to delete",
    "| service |",
    "<details>",
    "### <code>prod</code>",
    "No changes",
  ].map((text) => report.indexOf(text));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((one, other) => one - other));
});

test("no value breaks out of its place", () => {
  const evil = "a|b`c`</code></details><img src=x> @everyone [x](http://evil.example) **bold** \u202e";
  const preview: StackPreview = {
    ...empty(),
    errors: ["```\n</details> @everyone"],
    losses: [{ action: "replace", kind: "Namespace", name: evil, area: "Cluster", reasons: [evil] }],
    services: [{ name: evil, state: "changed", image: { before: evil, after: evil }, changes: [evil] }],
    others: [{ area: "CI", action: "update", kind: "Context", name: evil, changes: [evil] }],
    files: [{ path: evil, state: "changed", diff: `+\`\`\`\`\n+</details>\r+\`\`\`\`` }],
    properties: [{ kind: "Context", name: evil, lines: [evil] }],
    limits: [evil],
  };
  const report = previewMarkdown([preview]);
  // Within a fence everything is text.
  const outside = report.replaceAll(/^(`{3,})[^\n]*\n[^]*?\n\1$/gm, "");
  expect(outside).not.toMatch(/@everyone|<img|\*\*bold|\]\(http|\u202e|`/);
  expect(outside.match(/<details>/g)?.length).toBe(outside.match(/<\/details>/g)?.length);
  expect(
    outside
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map((line) => line.split("|").length),
  ).toEqual([5, 5, 5]);
  expect(report).not.toContain("\r");
});

test("warnings are open to see, and folded where there are many", () => {
  const warned = (count: number): string =>
    previewMarkdown([
      { ...empty(), warnings: Array.from({ length: count }, (_, index) => `link asks for more: ${index}`) },
    ]);
  expect(warned(0)).not.toContain("Warnings");
  expect(warned(1)).toContain("> [!WARNING]\n> Warnings\n\n- link asks for more");
  expect(warned(1)).not.toContain("<details>");
  expect(warned(11)).toContain("<details><summary>Warnings: 11</summary>");
});

test("nobody is called and nothing is referred to by a value, which stays what it was when it is copied", () => {
  const value =
    "@acme/everyone, see #123, acme/shop#4, GH-5, https://github.com/acme/shop/issues/6, www.acme.example, a@b.example";
  const service = { name: "link", state: "changed" as const, changes: [value] };
  const report = previewMarkdown([{ ...empty(), services: [service], warnings: [value] }]);
  // What GitHub reads, once entities are characters again.
  const read = report.replaceAll(/&#(\d+);/g, (_entity, code: string) => String.fromCodePoint(Number(code)));
  expect(read).not.toMatch(/@[\w]|#\d|GH-\d|:\/\/|www\./);
  const copied = read.replaceAll("<!-- -->", "");
  expect(copied.split(value)).toHaveLength(3);
});

test("a report that is too long loses the least important sections first, and says which", () => {
  const files = Array.from({ length: 50 }, (_, index) => ({
    path: `dev/${index}.yaml`,
    state: "added" as const,
    diff: "+x\n".repeat(1000),
  }));
  const preview = { ...stackPreview(changed, input), files };
  const report = previewMarkdown([preview], { link: "https://ci.example/job/7?a=(b)" });
  expect(report.length).toBeLessThan(65_536);
  expect(report).toContain("3 to replace, 2 to delete");
  expect(report).toContain("Left out, for GitHub takes no longer comments: manifests (");
  expect(report).not.toContain("hortened");
  expect(report).toContain("[here](https://ci.example/job/7?a=%28b%29)");
  expect(report.match(/<details>/g)?.length).toBe(report.match(/<\/details>/g)?.length);
});

test("500 changed services still fit", () => {
  const report = previewMarkdown([{ ...empty(), services: manyServices(500, ["x".repeat(200)]) }]);
  expect(report.length).toBeLessThan(65_536);
  expect(report).toContain("… and 400 more services.");
});

test("of many services with many changes each has its line, with some of them", () => {
  const changes = Array.from(
    { length: 12 },
    (_, index) => `env FLAG_${index} https://old.example → https://new.example`,
  );
  const report = previewMarkdown([{ ...empty(), services: manyServices(500, changes) }]);
  expect(report.length).toBeLessThan(65_536);
  expect(report.match(/^\| <code>service-\d+<\/code> .*; and 9 more \|$/gm)).toHaveLength(100);
  expect(report).toContain(
    "Shortened, for GitHub takes no longer comments: services; the whole is in the log of the job.",
  );
});

test("many long errors are cut, not left out", () => {
  const errors = Array.from(
    { length: 20 },
    (_, index) => `Deployment svc-${index}: ${"must not run as root; ".repeat(200)}`,
  );
  const report = previewMarkdown([{ ...empty(), errors }]);
  expect(report.length).toBeLessThan(65_536);
  expect(report.match(/^Deployment svc-\d+: must not run as root; /gm)).toHaveLength(20);
  expect(report).toContain("Shortened, for GitHub takes no longer comments: errors;");
});

test("what is lost in one environment does not hide what is lost in another", () => {
  const reasons = Array.from(
    { length: 3 },
    (_, index) => `spec.selector.matchLabels["app.example/${index}"]: one → other`,
  );
  const losses = Array.from({ length: 100 }, (_, index) => ({
    action: "replace" as const,
    kind: "Deployment",
    name: `service-${index}`,
    area: "Services" as const,
    reasons,
  }));
  const previews = ["dev", "staging", "prod"].map((stack) => ({ ...empty(), stack, losses }));
  const report = previewMarkdown(previews);
  expect(report.length).toBeLessThan(65_536);
  expect(report.match(/100 to replace, 0 to delete/g)).toHaveLength(3);
  expect(report.match(/^- \*\*Replaced\*\*: Deployment <code>service-0<\/code>/gm)).toHaveLength(3);
  expect(report).toMatch(/> Shortened, [^;]*: .*replacements and deletions of prod/);
  expect(report).not.toContain("eft out");
});

function recorded(name: string): unknown[] {
  const events: unknown = JSON.parse(readFileSync(join(import.meta.dirname, "preview-events", `${name}.json`), "utf8"));
  if (!Array.isArray(events)) throw new Error(`${name} holds no events`);
  return events;
}

function loss(action: "replace" | "delete", kind: string, name: string, area: string, ...reasons: string[]): object {
  return { action, kind, name, area, reasons };
}

test("services that nothing tests are named", () => {
  expect(previewMarkdown([stackPreview([], { ...input, untested: ["link", "user"] })])).toContain(
    "CI tests nothing of <code>link</code>, <code>user</code>, as `test: none` says.",
  );
  expect(previewMarkdown([empty()])).not.toContain("test: none");
});

function manyServices(count: number, changes: readonly string[]): StackPreview["services"] {
  return Array.from({ length: count }, (_, index) => ({ name: `service-${index}`, state: "changed", changes }));
}

function empty(): StackPreview {
  return stackPreview([], input);
}

/** A secret as the engine's events have it. */
function envelope(ciphertext: string): object {
  return { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext };
}

function update(before: object, after: object): object {
  const resource = { type: "circleci:index/context:Context", urn: "urn", custom: true };
  const metadata = {
    op: "update",
    urn: "urn:pulumi:dev::delivery::circleci:index/context:Context::x",
    type: resource.type,
    detailedDiff: { key: { diffKind: "update", inputDiff: true } },
    old: { ...resource, inputs: before },
    new: { ...resource, inputs: after },
  };
  return { resourcePreEvent: { metadata } };
}

/** The deploy repository with a release record that is there, for which the update knows another image later. */
function idleManifests(): object {
  const resource = { type: "pulumi-nodejs:dynamic/delivery:GitManifests", urn: "urn", custom: true };
  const inputs = (record: string) => ({ directory: "dev", files: {}, records: { "dev/user/release.yaml": record } });
  const metadata = {
    op: "update",
    urn: "urn:pulumi:dev::delivery::pulumi-nodejs:dynamic/delivery:GitManifests::shop",
    type: resource.type,
    old: { ...resource, inputs: inputs("as it was") },
    new: { ...resource, inputs: inputs("04da6b54-80e4-46f7-96ec-b56ff0331ba9") },
  };
  return { resourcePreEvent: { metadata } };
}

test("of several pull requests with a commit, the one is meant that is at it", async () => {
  const pulls = [pull(8, "2222222"), pull(7, "1111111")];
  const github = { openPullRequestsFor: async () => pulls };
  expect(await findPullRequest(github, undefined, { CIRCLE_SHA1: "1111111" })).toBe(7);
  expect(await findPullRequest(github, undefined, { CIRCLE_SHA1: "3333333" })).toBe(8);
  expect(await findPullRequest(github, "12", { CIRCLE_SHA1: "1111111" })).toBe(12);
});

function pull(number: number, sha: string): PullRequest {
  return {
    number,
    state: "open",
    url: `https://github.com/acme/shop/pull/${number}`,
    merged: false,
    mergeCommit: undefined,
    labels: [],
    head: { ref: "change", sha, repository: "acme/shop" },
    base: { ref: "main" },
  };
}
