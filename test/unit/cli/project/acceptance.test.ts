import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { acceptance } from "../../../../cli/project/acceptance.ts";
import { problemLine } from "../../../../core/problem.ts";
import { writeYaml } from "../../../../core/yaml.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

const publicKey = String(
  generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "pem" }),
);
const images = { organization: "acme", username: "acme-ci", source: "registry" };
const ci = { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" };
const later = { ci: { ...ci, projectSlug: "circleci/acme/shop" }, owns: {}, promotion: { from: "dev" } };
const rollout = { strategy: "canary", steps: [{ weight: 50, pause: "5m" }] };

/** What is wrong in the stack file of `dev`, or another one, with these settings in place of, or beside, sound ones. */
function problemsOf(
  changes: Record<string, unknown> = {},
  stack = "dev",
  others: Record<string, unknown> = {},
): string[] {
  using sample = new SampleMonorepo({ "svc/link/Dockerfile": "FROM scratch\nEXPOSE 7070\n" });
  const settings = {
    schemaVersion: 2,
    app: { name: "shop", directory: sample.root },
    images,
    ci,
    gitops: { repository: "https://github.com/acme/shop-deploy.git" },
    owns: { ciProject: true, argoCd: true },
    ...changes,
  };
  const config = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`delivery:${key}`, value]));
  return acceptance(`stacks/Pulumi.${stack}.yaml`, writeYaml({ config: { ...config, ...others } })).problems.map(
    problemLine,
  );
}

describe("of a stack file the commands that read it whole refuse what the program does, from the file alone", () => {
  test("nothing where it is sound; secrets do not count, which only the engine can decrypt", () => {
    expect(problemsOf()).toEqual([]);
    expect(problemsOf(later, "staging")).toEqual([]);
    expect(problemsOf({ ci: { ...ci, environment: { DELIVERY_GIT_TOKEN: "deploy-token" } } })).toEqual([]);
  });

  test("what the file says to the engine and to providers is not this program's", () => {
    const others = { "pulumi:tags": { team: "shop" }, "kubernetes:clusterIdentifier": "acme" };
    expect(problemsOf({}, "dev", others)).toEqual([]);
    expect(problemsOf({ tags: {} }, "dev", others)).toEqual([expect.stringContaining("tags: unknown key")]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["admission without an action", { cluster: { admission: {} } }, "cluster.admission.action: missing; must be audit"],
    [
      "a rollout without Argo Rollouts",
      { services: { link: { replicas: 2, rollout } } },
      "services.link.rollout: Argo Rollouts is to be on the cluster; set gitops.rollouts",
    ],
    [
      "copies that nobody has signed for",
      {
        ...later,
        promotion: { from: "dev", copyImages: true },
        images: { ...images, signing: { publicKeys: [publicKey], verify: "signed" } },
      },
      "images.signing.origin: missing; promotion.copyImages",
    ],
    [
      "the builds' key in another stack than theirs",
      { ...later, images: { ...images, signing: { secret: "image-key", publicKeys: [publicKey] } } },
      "images.signing.secret: is of the builds' context",
    ],
    [
      "a schedule in another stack than the pipeline's",
      { ...later, ci: { ...later.ci, resumeSchedule: "*/10 * * * *" } },
      "ci.resumeSchedule: needs the pipeline that a stack with owns.ciProject",
    ],
    ["a way out of the pipeline", { ci, owns: {} }, "ci.projectSlug: missing"],
    ["an environment that contexts are called", { environment: "build" }, 'environment: "build": is the name of a'],
    [
      "migrations that nobody waits for",
      { services: { link: { migrations: { command: ["/app", "migrate"] } } } },
      "services.link.migrations: CI asks the cluster whether they have succeeded",
    ],
    [
      "verification that nobody can do",
      { verify: { minutes: 5 } },
      "verify: CI asks the cluster what runs, and cannot",
    ],
    [
      "a pod with the pipeline's secret",
      {
        ci: { ...ci, environment: { DELIVERY_GIT_TOKEN: "deploy-token" } },
        services: { link: { secrets: { TOKEN: "deploy-token" } } },
      },
      'services.link.secrets.TOKEN: "deploy-token" is what the pipeline itself logs in or signs with',
    ],
    [
      "a patch of nothing",
      { services: { link: { patches: [{ kind: "CronJob", patch: { spec: { suspend: true } } }] } } },
      "services.link.patches",
    ],
    ["text that does not arrive", { services: { link: { env: { A: "a\u0080" } } } }, "services.link.env.A: holds the"],
  ])("%s", (_what, changes, message) => {
    expect(problemsOf(changes, "owns" in changes ? "staging" : "dev")).toEqual([
      expect.stringContaining(`${"owns" in changes ? "stacks/Pulumi.staging" : "stacks/Pulumi.dev"}.yaml: ${message}`),
    ]);
  });

  test("a stack whose name no environment can have", () => {
    expect(problemsOf({}, "Dev_1")).toEqual([
      expect.stringContaining('missing, and the stack\'s name "Dev_1" is none'),
    ]);
    expect(problemsOf({ environment: "dev" }, "Dev_1")).toEqual([]);
  });

  test("what is written as text is what the program reads in it: JSON as a section, and no number that YAML's versions differ about", () => {
    expect(problemsOf({ verify: '{"minutes": "x"}' })).toEqual([expect.stringContaining("verify.minutes")]);
    expect(problemsOf({ gitops: '{"repository": "https://github.com/acme/shop-deploy.git"}' })).toEqual([]);
    const { problems } = acceptance("stacks/Pulumi.dev.yaml", "config:\n  delivery:defaults: { port: 010 }\n");
    expect(problems.map(problemLine)).toEqual([
      expect.stringMatching(/^stacks\/Pulumi\.dev\.yaml: line 2: 010 is another number to YAML 1\.1/),
    ]);
  });

  test("another version, whose keys to rename are told", () => {
    expect(problemsOf({ schemaVersion: 1 })).toEqual([expect.stringContaining("this program reads version 2")]);
  });
});
