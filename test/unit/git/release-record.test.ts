import { describe, expect, test } from "vitest";
import { initialRecord, parseRecord, recordPath, recordWith, serviceOfRecord } from "../../../git/release-record.ts";
import { recordedJudgment } from "../../support/sample-judgment.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const other = `sha256:${"f".repeat(64)}`;
const repository = "docker.io/acme/shop-link";

test("before the first release no pod runs, and there is no image", () => {
  expect(initialRecord("link"))
    .toBe(`# What runs. Written by \`delivery release\`, \`promote\` and \`rollback\`, or by the watcher of the registry.
apiVersion: "kustomize.config.k8s.io/v1alpha1"
kind: "Component"
patches:
  - target:
      kind: "(Deployment|StatefulSet)"
      name: "link"
    patch: "[{\\"op\\":\\"add\\",\\"path\\":\\"/spec/replicas\\",\\"value\\":0}]"
  - target:
      kind: "Rollout"
      name: "link"
    patch: "[{\\"op\\":\\"add\\",\\"path\\":\\"/metadata/annotations/argocd.argoproj.io~1hook\\",\\"value\\":\\"Skip\\"}]"
  - target:
      kind: "CronJob"
      name: "link"
    patch: "[{\\"op\\":\\"add\\",\\"path\\":\\"/spec/suspend\\",\\"value\\":true}]"
  - target:
      kind: "Job"
      name: "link"
    patch: "[{\\"op\\":\\"add\\",\\"path\\":\\"/spec/completions\\",\\"value\\":0}]"
`);
  expect(parseRecord("record", initialRecord("link"))).toEqual({ image: undefined });
  // As earlier versions of this program wrote it.
  const earlier = { apiVersion: "kustomize.config.k8s.io/v1alpha1", kind: "Component" };
  const replicas = [{ name: "link", count: 0 }];
  expect(parseRecord("record", JSON.stringify({ ...earlier, replicas }))).toEqual({ image: undefined });
  const zero = (kind: string, path: string, value: unknown) => ({
    target: { kind, name: "link" },
    patch: JSON.stringify([{ op: "add", path, value }]),
  });
  const patches = [
    zero("(Deployment|Rollout|StatefulSet)", "/spec/replicas", 0),
    zero("CronJob", "/spec/suspend", true),
    zero("Job", "/spec/completions", 0),
  ];
  expect(parseRecord("record", JSON.stringify({ ...earlier, patches }))).toEqual({ image: undefined });
  expect(parseRecord("record", JSON.stringify({ ...earlier, patches: patches.slice(1) }))).toHaveProperty("problems");
});

test("a release pins the digest, and the replicas are those of the manifests again", () => {
  expect(recordWith({ repository, digest }))
    .toBe(`# What runs. Written by \`delivery release\`, \`promote\` and \`rollback\`, or by the watcher of the registry.
apiVersion: "kustomize.config.k8s.io/v1alpha1"
kind: "Component"
images:
  - name: "docker.io/acme/shop-link"
    digest: "${digest}"
`);
  expect(parseRecord("record", recordWith({ repository, digest }))).toEqual({ image: { repository, digest } });
});

test("is read as Argo CD Image Updater writes it", () => {
  const written = `apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages:\n- digest: ${digest}\n  name: ${repository}\n  newName: ${repository}\n`;
  expect(parseRecord("record", written)).toEqual({ image: { repository, digest } });
});

test("a rollback says which digest it takes away, and what that was built from", () => {
  const rejected = { digest: other, sourceCommit: "89abcdef0123456789abcdef0123456789abcdef" };
  expect(recordWith({ repository, digest }, rejected)).toContain(
    `metadata:\n  annotations:\n    delivery/rejected: "${other}"\n    delivery/rejected-source-commit: "${rejected.sourceCommit}"\nimages:`,
  );
  expect(parseRecord("record", recordWith({ repository, digest }, rejected))).toEqual({
    image: { repository, digest },
    rejected,
  });
  expect(parseRecord("record", recordWith({ repository, digest }, { digest: other }))).toEqual({
    image: { repository, digest },
    rejected: { digest: other },
  });
});

describe("whether the image has proved itself", () => {
  const verdict = {
    state: "failed",
    at: "2026-11-30T12:00:00.000Z",
    evidence: "GET /: 500 in place of 200",
    link: "https://ci.example/7",
  } as const;

  test.each([{ state: "pending" } as const, verdict, { ...verdict, state: "passed", link: undefined } as const])(
    "%j is read as it was written",
    (verification) => {
      const text = recordWith({ repository, digest, verification });
      expect(parseRecord("record", text)).toEqual({ image: { repository, digest }, verification });
    },
  );

  test("a verdict is of the image that it was found of: whoever edits the digest by hand takes it away", () => {
    const edited = recordWith({ repository, digest, verification: verdict }).replace(
      /^ {4}digest: .*$/m,
      `    digest: "${other}"`,
    );
    expect(parseRecord("record", edited)).toEqual({ image: { repository, digest: other } });
  });

  test("what its metrics came to is read as it was written, of what runs and of what was taken away", () => {
    const verification = { ...verdict, judgment: recordedJudgment };
    const text = recordWith({ repository, digest, verification }, { digest: other, judgment: recordedJudgment });
    expect(parseRecord("record", text)).toEqual({
      image: { repository, digest },
      verification,
      rejected: { digest: other, judgment: recordedJudgment },
    });
    const broken = text.replace(/(delivery\/judgment: ).*/, `$1"{}"`);
    expect(parseRecord("record", broken)).toEqual({
      problems: [
        expect.objectContaining({
          location: expect.stringContaining("delivery/judgment"),
          message: expect.stringContaining("must be the JSON of a judgment"),
        }),
      ],
    });
  });

  test("a verdict without its time is invalid", () => {
    const text = recordWith({ repository, digest, verification: verdict }).replace(/.*verified-at.*\n/, "");
    expect(parseRecord("record", text)).toEqual({
      problems: [
        expect.objectContaining({ message: expect.stringContaining("say when delivery/verification came to that") }),
      ],
    });
  });

  test("what waits for a window stands beside what runs, and before anything runs", () => {
    const waiting = { digest: other, sourceCommit: "1234567" };
    const image = { repository, digest };
    expect(parseRecord("record", recordWith({ ...image, waiting }))).toEqual({ image, waiting });
    expect(parseRecord("record", initialRecord("link", waiting))).toEqual({ image: undefined, waiting });
  });

  test("why it was taken away stands beside what was", () => {
    const rejected = { digest: other, sourceCommit: "1234567", reason: "GET /: 500" };
    expect(parseRecord("record", recordWith({ repository, digest }, rejected))).toEqual({
      image: { repository, digest },
      rejected,
    });
  });
});

test("says which commit of the monorepo the image was built from", () => {
  const sourceCommit = "0123456789abcdef0123456789abcdef01234567";
  expect(recordWith({ repository, digest, sourceCommit }, { digest: other })).toContain(
    `metadata:\n  annotations:\n    delivery/rejected: "${other}"\n    delivery/source-commit: "${sourceCommit}"\nimages:`,
  );
  expect(parseRecord("record", recordWith({ repository, digest, sourceCommit }))).toEqual({
    image: { repository, digest },
    sourceCommit,
  });
});

test("is read where YAML takes the commit for a number", () => {
  const sourceCommit = "1234567890123456789012345678901234567890";
  expect(parseRecord("record", recordWith({ repository, digest, sourceCommit }))).toMatchObject({ sourceCommit });
});

test("stands in the service's directory of the environment", () => {
  expect(recordPath("deploy/dev", "social-graph")).toBe("deploy/dev/social-graph/release/kustomization.yaml");
  expect(serviceOfRecord("deploy/dev", "deploy/dev/social-graph/release/kustomization.yaml")).toBe("social-graph");
});

test.each([
  "dev/link/kustomization.yaml",
  "dev/link/release/other.yaml",
  "devel/link/release/kustomization.yaml",
  "x/dev/link/release/kustomization.yaml",
])("%s is no record of dev", (path) => expect(serviceOfRecord("dev", path)).toBeUndefined());

describe("is refused with the file and the key", () => {
  const record = { apiVersion: "kustomize.config.k8s.io/v1alpha1", kind: "Component" };
  test.each<[what: string, content: unknown, problem: RegExp]>([
    [
      "neither image nor replicas",
      record,
      /^dev\/x: images: missing; a release record holds exactly one image, or no replicas/,
    ],
    [
      "an image with no replicas",
      { ...record, images: [{ name: repository, digest }], replicas: [{ name: "link", count: 0 }] },
      /^dev\/x: images: .*release again/,
    ],
    [
      "some replicas",
      { ...record, replicas: [{ name: "link", count: 3 }] },
      /^dev\/x: replicas\.0\.count: 3: must be 0/,
    ],
    [
      "another patch",
      { ...record, patches: [{ target: { kind: "Deployment", name: "link" }, patch: "[]" }] },
      /^dev\/x: patches: .*must be those of a service without pods/,
    ],
    [
      "an unknown annotation",
      { ...record, metadata: { annotations: { x: "y" } }, images: [{ name: repository, digest }] },
      /^dev\/x: metadata\.annotations/,
    ],
    [
      "a branch for a source commit",
      {
        ...record,
        metadata: { annotations: { "delivery/source-commit": "main" } },
        images: [{ name: repository, digest }],
      },
      /^dev\/x: metadata\.annotations\.delivery\/source-commit: "main": must be the id of a commit/,
    ],
    [
      "a source commit taken away without its digest",
      {
        ...record,
        metadata: { annotations: { "delivery/rejected-source-commit": "0123456" } },
        images: [{ name: repository, digest }],
      },
      /^dev\/x: metadata\.annotations\.delivery\/rejected: missing; must say which image delivery\/rejected-source-commit/,
    ],
  ])("%s", (_what, content, problem) => {
    const result = parseRecord("dev/x", JSON.stringify(content));
    expect(
      "problems" in result
        ? result.problems.map(({ location, message }) => `${location}: ${message}`).join("\n")
        : result,
    ).toMatch(problem);
  });
});
