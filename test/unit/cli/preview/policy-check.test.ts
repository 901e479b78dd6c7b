import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { previewMarkdown } from "../../../../cli/preview/comment.ts";
import { checkStackPolicies, type PolicyRules } from "../../../../cli/preview/policy-check.ts";
import { stackPreview } from "../../../../cli/preview/stack-preview.ts";
import { readStep, type Step } from "../../../../cli/preview/step.ts";
import { builtInRules } from "../../../../policy/built-in-rules.ts";
import { stacks } from "../../../support/declared-stack.ts";

const golden = join(import.meta.dirname, "..", "..", "..", "golden");
const builtIn: PolicyRules = { rules: builtInRules, problems: [] };

/** An event of the engine's preview for each resource that a golden file has. */
function events(resources: Readonly<Record<string, unknown>>): object[] {
  return Object.entries(resources).map(([key, inputs]) => {
    const [types = ""] = key.split("::");
    const type = types.split("$").at(-1) ?? "";
    const urn = `urn:pulumi:dev::delivery::${key}`;
    return { resourcePreEvent: { metadata: { op: "same", urn, type, old: null, new: { custom: true, inputs } } } };
  });
}

function steps(resources: Readonly<Record<string, unknown>>): Step[] {
  return events(resources).flatMap((event) => readStep(Object(event).resourcePreEvent.metadata) ?? []);
}

const manifests = (files: Readonly<Record<string, string>>, records: unknown = {}) => ({
  "delivery:images:ServiceImage::shop": {
    repositories: { link: "docker.io/delinkcious/delinkcious-link" },
  },
  "pulumi-nodejs:dynamic/delivery:GitManifests::shop": { directory: "dev", files, records },
});
const pod = (image: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: { name: link }\nspec: { containers: [{ name: link, image: "${image}" }] }\n`;

describe("what this repository's own stacks declare", () => {
  test.each(stacks)("%s: nothing that is mandatory is violated", (stack) => {
    const resources = parse(readFileSync(join(golden, `${stack}.yaml`), "utf8"));
    const checked = checkStackPolicies(steps(resources), builtIn);
    expect(checked.errors).toEqual([]);
    expect(checked.policies.filter(({ mandatory }) => mandatory)).toEqual([]);
  });
});

/** What the engine says in place of what it does not know yet. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

test.each([{ "dev/link/release/kustomization.yaml": "" }, unknown])(
  "an image of a service is pinned by its release record, known or not, and no other one is: %j",
  (records) => {
    const check = (image: string): string[] =>
      checkStackPolicies(steps(manifests({ "dev/link/pod.yaml": pod(image) }, records)), builtIn).policies.map(
        ({ policy }) => policy,
      );
    expect(check("docker.io/delinkcious/delinkcious-link")).not.toContain("image-by-digest");
    expect(check("docker.io/delinkcious/delinkcious-user")).toContain("image-by-digest");
    expect(check("docker.io/delinkcious/delinkcious-link:latest")).toContain("image-by-digest");
  },
);

test("what comes with another product's release is not asked about, and what only the update knows is nobody's fault", () => {
  const labels = { "app.kubernetes.io/name": "link" };
  const workload = (image: string) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "link", labels },
    spec: { template: { metadata: { labels }, spec: { containers: [{ name: "link", image }] } } },
  });
  const of = (key: string, image: string): string[] =>
    checkStackPolicies(
      steps({ [`${key}$kubernetes:apps/v1:Deployment::link`]: workload(image) }),
      builtIn,
    ).policies.map(({ service, policy, file }) => `${service} ${policy} ${file}`);
  expect(of("delivery:gitops:ArgoCd", "argocd")).toEqual([]);
  expect(of("delivery:cluster:Workload", unknown)).not.toContain("link image-by-digest ");
  expect(of("delivery:cluster:Workload", "redis")).toContain("link image-by-digest ");
});

test.each<[files: unknown, expected: string[]]>([
  [{ "dev/link/pod.yaml": unknown, "dev/link/service.yaml": "kind: Service" }, ["dev/link/pod.yaml"]],
  [unknown, [""]],
  [{}, []],
])("what only the update knows is said to be unchecked: %j", (files, expected) => {
  const resources = { "pulumi-nodejs:dynamic/delivery:GitManifests::shop": { directory: "dev", files, records: {} } };
  const { policies, errors } = checkStackPolicies(steps(resources), builtIn);
  expect(errors).toEqual([]);
  const unchecked = policies.filter(({ policy }) => policy === "not-checked");
  expect(unchecked.map(({ file }) => file)).toEqual(expected);
  for (const { message, mandatory } of unchecked) {
    expect(message).toMatch(/known only once this is applied, so that no policy was asked about it$/);
    expect(mandatory).toBe(false);
  }
});

test("the comment names service, rule, object, file and the way out, and the preview fails", () => {
  const input = {
    stack: "dev",
    forkSafe: true,
    limits: [],
    untested: [],
    images: {},
    policies: builtIn,
  };
  const preview = stackPreview(events(manifests({ "dev/link/pod.yaml": pod("redis") })), input);
  expect(previewMarkdown([preview])).toContain(
    '- **mandatory** <code>link</code> <code>image-by-digest</code> <code>Pod link</code> in <code>dev/link/pod.yaml</code>: container link runs "redis", which may be',
  );
});

test("a rule that fails, or cannot be loaded, is an error of the preview", () => {
  const fails = {
    name: "own",
    level: "advisory" as const,
    check: (): string[] => {
      throw new Error("boom");
    },
  };
  const rules = {
    rules: [fails],
    problems: ["policies/a.ts: has no default export; export a rule, or a list of rules"],
  };
  const { errors } = checkStackPolicies(steps(manifests({ "dev/link/pod.yaml": pod("redis") })), rules);
  expect(errors).toEqual([
    "policies/a.ts: has no default export; export a rule, or a list of rules",
    "the policy own has failed at Pod link in dev/link/pod.yaml, so that nobody knows whether it holds: boom; mend the rule",
  ]);
});
