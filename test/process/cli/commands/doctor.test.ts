import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { command as doctor } from "../../../../cli/commands/doctor.ts";
import { readReach } from "../../../../cli/doctor/reach.ts";
import { Project } from "../../../../cli/project/stack-file.ts";
import { errorMessage } from "../../../../core/error.ts";
import { CircleCiHarness } from "../../../support/circleci-harness.ts";
import { keyPair } from "../../../support/signing.ts";

type Settings = Record<string, unknown>;

const organizationId = "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10";
const image = `cimg/node:24.11@sha256:${"1".repeat(64)}`;
const pull = { username: "reader", password: "pull-token" };
const ci = {
  organizationId,
  image,
  environment: { DELIVERY_GIT_TOKEN: "deploy-token" },
  contexts: { read: { DELIVERY_GITHUB_TOKEN: "github-token" } },
};
/** Two environments whose walls stand. */
const dev: Settings = {
  schemaVersion: 2,
  app: { name: "shop", directory: "." },
  images: { organization: "acme", username: "acme-ci", source: "registry", pull },
  ci,
  github: { repository: "acme/shop", branch: "main" },
  gitops: { repository: "https://github.com/acme/deploy.git", branch: "dev" },
  owns: { ciProject: true },
  gitToken: { secure: "v1:…" },
};
const prod: Settings = {
  ...dev,
  ci: { organizationId, projectSlug: "circleci/acme/shop", environment: { DELIVERY_GIT_TOKEN: "prod-token" } },
  gitops: { repository: "https://github.com/acme/deploy.git", branch: "prod" },
  cluster: { admission: { action: "enforce" } },
  promotion: { from: "dev", approval: true },
  owns: {},
};

const program = process.cwd();
let directory: string;

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "doctor-")));
  process.chdir(directory);
  write("svc/link_service/Dockerfile", "FROM scratch\nEXPOSE 7070\n");
});
afterEach(() => {
  process.chdir(program);
  rmSync(directory, { recursive: true });
});

function write(path: string, content: string): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), content);
}

/** Writes the stack files, with changes. */
function declare(changes: { dev?: Settings; prod?: Settings } = {}): void {
  for (const [name, settings] of Object.entries({
    dev: { ...dev, ...changes.dev },
    prod: { ...prod, ...changes.prod },
  })) {
    const config = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`delivery:${key}`, value]));
    write(`stacks/Pulumi.${name}.yaml`, stringify({ config }));
  }
}

const reportSchema = z.object({
  asked: z.boolean(),
  findings: z.array(z.object({ level: z.string(), location: z.string(), message: z.string() })),
});

async function run(token = "", ...args: string[]): Promise<{ output: string; error: string }> {
  const lines: string[] = [];
  const error = await doctor
    .run(["--env", "dev", ...args], {
      environment: { CIRCLE_TOKEN: token },
      print: (line) => lines.push(line),
      note: () => undefined,
      input: async () => "",
      signal: new AbortController().signal,
    })
    .then(() => "", errorMessage);
  return { output: lines.join("\n"), error };
}

async function findings(token?: string): Promise<string[]> {
  const { output, error } = await run(token, "--json");
  const { findings: found } = reportSchema.parse(JSON.parse(output));
  // Exit status 1 is for errors alone.
  expect(error !== "").toBe(found.some(({ level }) => level === "error"));
  return found.map(({ level, location, message }) => `${level} ${location}: ${message}`);
}

test("who can reach what, by the files alone", async () => {
  declare();
  const { output, error } = await run();
  expect(error).toBe("");
  expect(output).toBe(`shop · who can reach what

shop-build · declared by dev
  for    what is merged, and the schedule; nobody else, whatever a branch has edited
  holds  DOCKERHUB_PASSWORD (registryPassword), DELIVERY_PULL_PASSWORD (secrets.pull-token)
  jobs   build-… (what is merged)

shop-read · declared by dev
  for    whoever may push a branch, by a configuration of their own, too; no forks
  holds  DELIVERY_GIT_TOKEN (gitToken), DELIVERY_PULL_PASSWORD (secrets.pull-token), DELIVERY_GITHUB_TOKEN
         (secrets.github-token)
  jobs   plan (every pipeline but those of forks); build-…, preview (pull requests)

shop-dev · declared by dev
  for    what is merged, and the schedule; nobody else, whatever a branch has edited
  holds  DELIVERY_PULL_PASSWORD (secrets.pull-token), DELIVERY_GIT_TOKEN (secrets.deploy-token)
  jobs   release-dev, publish-state-dev (what is merged); drift-dev (the schedule)

shop-prod · declared by prod
  for    what is merged, and the schedule; nobody else, whatever a branch has edited
  holds  DELIVERY_PULL_PASSWORD (secrets.pull-token), DELIVERY_GIT_TOKEN (secrets.prod-token)
  jobs   propose-prod, promote-prod, publish-state-prod (what is merged); drift-prod (the schedule)

Whether CircleCI has it so is not known; it is asked with the API token in CIRCLE_TOKEN.

Nothing to do.`);
});

test("where CircleCI's page of deploys rolls back, those jobs have the environment's context, too", async () => {
  declare({ dev: { ci: { ...ci, repositoryId: "123", deployMarkers: true } } });
  const { output, error } = await run();
  expect(error).toBe("");
  const lines = output.replaceAll(/\n {9}/g, " ");
  for (const name of ["dev", "prod"])
    expect(lines).toContain(`drift-${name} (the schedule); rollback-${name} (CircleCI's page of deploys)\n`);
  declare();
  expect((await run()).output).not.toContain("rollback");
});

test("where images are copied, a promotion has the login for the copies, and one that may only read where they come from", async () => {
  const signing = { publicKeys: [keyPair().publicPem], origin: "docker.io/acme", verify: "signed" };
  const environment = {
    DELIVERY_GIT_TOKEN: "prod-token",
    DELIVERY_REGISTRY_USERNAME: "push-user",
    DELIVERY_REGISTRY_PASSWORD: "push-password",
  };
  declare({
    prod: {
      images: { registry: "ghcr.io", organization: "acme", username: "nodes", source: "registry", pull, signing },
      ci: { organizationId, projectSlug: "circleci/acme/shop", environment },
      promotion: { from: "dev", approval: true, copyImages: true },
    },
  });
  expect(await findings()).toEqual([]);
  const { contexts } = readReach(new Project(), "dev");
  const jobsWith = (name: string) => contexts.find((one) => one.name === name)?.jobs.map(({ job }) => job);
  expect(jobsWith("shop-prod")).toContain("promote-prod");
  expect(jobsWith("shop-build")).toEqual(["build-…"]);
});

describe("what the stack files say of walls", () => {
  const images = { organization: "acme", username: "acme-ci", source: "registry" };
  const gitops = { repository: "https://github.com/acme/deploy.git" };
  test.each<[what: string, changes: { dev?: Settings; prod?: Settings }, expected: RegExp[]]>([
    [
      "one context for all is still on",
      { dev: { ci: { ...ci, sharedContext: true } } },
      [
        /^error stacks\/Pulumi\.dev\.yaml: ci\.sharedContext: whoever may push a branch gets all that shop-dev holds; merge /,
      ],
    ],
    [
      "a secret of pull requests is that of an environment",
      { dev: { ci: { ...ci, contexts: { read: { DELIVERY_GIT_TOKEN: "deploy-token" } } } } },
      [
        /^error stacks\/Pulumi\.dev\.yaml: ci\.contexts\.read\.DELIVERY_GIT_TOKEN: "deploy-token" is DELIVERY_GIT_TOKEN of shop-dev, too, .* name another secret here/,
      ],
    ],
    [
      "a secret of preview environments is that of builds",
      {
        dev: {
          ci: { ...ci, contexts: { build: { NPM_TOKEN: "npm-token" }, previews: { TOKEN: "npm-token" } } },
          gitops: { ...gitops, branch: "dev", previews: {} },
        },
      },
      [/^error .*: ci\.contexts\.previews\.TOKEN: "npm-token" is NPM_TOKEN of shop-build, too/],
    ],
    [
      "pull requests reach the state, and the cluster",
      {
        dev: {
          ci: { ...ci, contexts: { read: { PULUMI_ACCESS_TOKEN: "pulumi-token", DELIVERY_KUBECONFIG: "kubeconfig" } } },
        },
      },
      [
        /^error .*: ci\.contexts\.read\.PULUMI_ACCESS_TOKEN: the state, .* is open to whoever may push a branch/,
        /^error .*: ci\.contexts\.read\.DELIVERY_KUBECONFIG: the cluster is open to whoever may push a branch/,
      ],
    ],
    [
      "no login may only pull",
      { dev: { images }, prod: { images: { ...images, pull: { ...pull, registry: "ghcr.io" } } } },
      [
        /^warning .*dev\.yaml: images\.pull: missing for docker\.io: jobs of dev .* have shop-build, which may push, and builds of pull requests have no login; /,
        /^warning .*prod\.yaml: images\.pull: missing for docker\.io: jobs of prod .* have shop-build, which may push; /,
      ],
    ],
    [
      "environments share a branch of the deploy repository",
      { dev: { gitops }, prod: { gitops } },
      [
        /^warning .*prod\.yaml: gitops\.branch: branch main of https:\/\/github\.com\/acme\/deploy\.git is that of dev, too/,
      ],
    ],
    [
      "preview environments write to the branch of another environment",
      {
        dev: {
          gitops: { ...gitops, previews: {} },
          ci: { ...ci, contexts: { previews: { DELIVERY_GIT_TOKEN: "previews-token" } } },
        },
        prod: { gitops },
      },
      [
        /^error .*prod\.yaml: gitops\.branch: branch main of .* is written with shop-previews, too, which jobs of whoever may push a branch get/,
      ],
    ],
    [
      "the image of jobs is a tag",
      { dev: { ci: { ...ci, image: "cimg/node:24.11" } } },
      [/^warning .*dev\.yaml: ci\.image: "cimg\/node:24\.11": .* write cimg\/node:24\.11@sha256:…/],
    ],
    [
      "the program is what a branch has",
      { dev: { ci: { ...ci, program: { repository: "https://github.com/acme/delivery.git", ref: "main" } } } },
      [/^warning .*dev\.yaml: ci\.program\.ref: main: jobs with credentials run what is there that day/],
    ],
    [
      "the last environment takes all images, and anything at once",
      { prod: { cluster: {}, promotion: { from: "dev" } } },
      [
        /^warning .*prod\.yaml: cluster\.admission: missing: the cluster starts images in prod that nobody has released; set its action to audit, and then to enforce$/,
        /^warning .*prod\.yaml: promotion: nothing stands between dev and prod/,
      ],
    ],
    [
      "an environment has its images copied elsewhere, and no login to push them there",
      {
        prod: {
          images: { registry: "ghcr.io", organization: "acme-prod", username: "nodes", source: "registry" },
          promotion: { from: "dev", approval: true, copyImages: true },
        },
      },
      [
        /^warning .*prod\.yaml: images\.pull: missing for ghcr\.io: jobs of prod that look for images have shop-build, which may push/,
        /^warning .*prod\.yaml: ci\.environment: promotion\.copyImages has CI push to ghcr\.io, .* set DELIVERY_REGISTRY_USERNAME and DELIVERY_REGISTRY_PASSWORD to secrets with an account that may push to ghcr\.io\/acme-prod, and nowhere else$/,
      ],
    ],
    [
      "what is released has to prove itself, and promotions ask how it runs, where CI cannot see it",
      {
        dev: { verify: { minutes: 5 } },
        prod: { verify: {}, promotion: { from: "dev", approval: true, healthyMinutes: 10 } },
      },
      [
        /^warning .*dev\.yaml: ci\.environment: verify-dev asks the cluster, for which shop-dev has no DELIVERY_KUBECONFIG; set it to a secret with the kubeconfig of a user who may only read there$/,
        /^warning .*prod\.yaml: ci\.environment: promote-prod and verify-prod ask the cluster, for which shop-prod has no DELIVERY_KUBECONFIG; /,
      ],
    ],
    [
      "a job makes versions, and may not",
      { prod: { github: { repository: "acme/shop", branch: "main", versionTags: true } } },
      [
        /^warning .*prod\.yaml: ci\.environment: github\.versionTags has tag-prod make tags of acme\/shop, for which shop-prod has no DELIVERY_GITHUB_TOKEN; /,
      ],
    ],
    [
      "images are signed, and production does not ask",
      { dev: { images: { ...images, pull, signing: { secret: "image-key", publicKeys: [keyPair().publicPem] } } } },
      [
        /^warning .*prod\.yaml: images\.signing\.verify: missing: images are signed, and prod runs those that nobody has signed, too; set it to signed, with the public key in images\.signing\.publicKeys$/,
      ],
    ],
    [
      "the last environment only audits",
      { prod: { cluster: { admission: { action: "audit" } } } },
      [/^warning .*prod\.yaml: cluster\.admission: only audits: .* set its action to enforce$/],
    ],
    [
      "nobody owns the project",
      { dev: { owns: {}, ci: { organizationId, image, projectSlug: "circleci/acme/shop" } } },
      [
        /^error .*dev\.yaml: no stack file declares context shop-read, which plan, build-…, preview have; set owns\.ciProject in one of /,
        /^error .*dev\.yaml: no stack file declares context shop-build, which build-… has; /,
      ],
    ],
    [
      "two own it",
      { prod: { owns: { ciProject: true } } },
      [
        /^error stacks\/Pulumi\.dev\.yaml and stacks\/Pulumi\.prod\.yaml: both declare context shop-build, .* let one of them own it/,
        /^error .*: both declare context shop-read/,
      ],
    ],
    [
      "environments of one name",
      { prod: { environment: "dev" } },
      [/^error .*: both declare context shop-dev, .* give each its own `environment`$/],
    ],
    [
      "another organization, and another branch",
      {
        prod: {
          ci: { organizationId: "00000000-0000-4000-8000-000000000000", projectSlug: "circleci/acme/shop" },
          github: { repository: "acme/shop", branch: "stable" },
        },
      },
      [
        /^error .*prod\.yaml: ci\.organizationId: 00000000.* the pipeline runs in 7d1f3c52.* make them the same$/,
        /^error .*prod\.yaml: github\.branch: stable: stacks\/Pulumi\.dev\.yaml delivers main, whose jobs do not get the context of prod/,
      ],
    ],
  ])("%s", async (_, changes, expected) => {
    declare(changes);
    expect(await findings()).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });

  test("what is wrong in a file is said before anything is listed", async () => {
    declare({ prod: { ci: { organizationId: "acme" } } });
    const { output, error } = await run();
    expect(output).toBe("");
    expect(error).toMatch(/^stacks\/Pulumi\.prod\.yaml: ci\.organizationId: "acme": must be the UUID/);
  });
});

describe("what CircleCI has", () => {
  let harness: CircleCiHarness;
  const ids = new Map<string, string>();

  beforeEach(async () => {
    harness = await CircleCiHarness.create();
    const there = { organizationId: harness.organizationId, host: harness.circleCi.url };
    declare({ dev: { ci: { ...ci, ...there } }, prod: { ci: { ...Object(prod["ci"]), ...there } } });
    await harness.settings({ disable_ssh: true });
    for (const { name, variables, expression } of readReach(new Project(), "dev").contexts) {
      const id = await harness.context(name, Object.fromEntries(Object.keys(variables).map((one) => [one, "value"])));
      ids.set(name, id);
      await restrict(name, "project", harness.projectId);
      await restrict(name, "expression", expression ?? "");
    }
  });
  afterEach(() => harness[Symbol.asyncDispose]());

  async function restrict(context: string, type: string, value: string): Promise<void> {
    const body = { restriction_type: type, restriction_value: value };
    await harness.ask("POST", `/context/${ids.get(context)}/restrictions`, body);
  }

  async function release(context: string, type: string): Promise<void> {
    const { items } = z
      .object({ items: z.array(z.object({ id: z.string(), restriction_type: z.string() })) })
      .parse(await harness.ask("GET", `/context/${ids.get(context)}/restrictions`));
    for (const one of items.filter(({ restriction_type }) => restriction_type === type))
      await harness.ask("DELETE", `/context/${ids.get(context)}/restrictions/${one.id}`);
  }

  test("as declared, there is nothing to do", async () => {
    expect(await findings("right")).toEqual([]);
    expect((await run("right")).output).toContain("CircleCI was asked");
  });

  test.each<[what: string, change: () => Promise<unknown>, expected: RegExp[]]>([
    [
      "somebody has removed an expression",
      () => release("shop-prod", "expression"),
      [
        /^error CircleCI: context shop-prod: whoever may push a branch may get it: its expression is gone; `npx delivery repair --env prod --yes`, and then `pulumi up --stack prod`, makes it again$/,
      ],
    ],
    [
      "somebody has let in another branch",
      async () => {
        await release("shop-build", "expression");
        await restrict("shop-build", "expression", 'pipeline.git.branch starts-with "m"');
      },
      [
        /^error CircleCI: context shop-build: whoever may push a branch may get it: its expression is pipeline\.git\.branch starts-with "m", and not /,
      ],
    ],
    [
      "somebody has opened a context to all projects",
      () => release("shop-read", "project"),
      [/^error CircleCI: context shop-read: jobs of every project of the organization get it/],
    ],
    [
      "somebody has let in another project",
      async () => {
        const other = await harness.ask("POST", `/organization/${harness.organizationId}/project`, { name: "other" });
        await restrict("shop-dev", "project", z.object({ id: z.string() }).parse(other).id);
      },
      [/^error CircleCI: context shop-dev: jobs of project other get it, too/],
    ],
    [
      "a context is gone",
      () => harness.ask("DELETE", `/context/${ids.get("shop-read")}`),
      [/^error CircleCI: context shop-read: there is none of this name; /],
    ],
    [
      "what contexts hold is other",
      async () => {
        await harness.ask("PUT", `/context/${ids.get("shop-read")}/environment-variable/AWS_KEY`, { value: "value" });
        await harness.ask("DELETE", `/context/${ids.get("shop-dev")}/environment-variable/DELIVERY_GIT_TOKEN`);
        await harness.context("shop-old", { TOKEN: "value" });
      },
      [
        /^warning CircleCI: context shop-read: it holds AWS_KEY, of no stack file, which whoever may push a branch gets/,
        /^warning CircleCI: context shop-dev: it does not hold DELIVERY_GIT_TOKEN/,
        /^warning CircleCI: context shop-old: no stack file declares it/,
      ],
    ],
    [
      "the project gives its secrets away",
      async () => {
        await harness.settings({ disable_ssh: false, forks_receive_secret_env_vars: true });
        await harness.ask("POST", `/project/${harness.slug}/envvar`, { name: "TOKEN", value: "value" });
      },
      [
        /^error CircleCI: the project: pull requests of forks get its secrets/,
        /^warning CircleCI: the project: jobs may be run again with SSH/,
        /^warning CircleCI: the project: jobs of every branch get its variables TOKEN, of no stack file; move them /,
      ],
    ],
  ])("%s", async (_, change, expected) => {
    await change();
    expect(await findings("right")).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });

  test("where it does not take the token, that is an error, and the list is printed all the same", async () => {
    const { output, error } = await run("wrong");
    expect(error).toBe("shop: 1 error, 0 warnings");
    expect(output).toContain("shop-prod · declared by prod");
    expect(output).toMatch(/^error {4}CircleCI: cannot be asked: 127\.0\.0\.1:\d+ does not accept the token \(401\)$/m);
    expect(output).not.toContain("CircleCI was asked");
  });
});

test("at Tekton, it says whose runs can read each Secret", async () => {
  const atTekton = ({ environment, contexts }: Settings): Settings =>
    JSON.parse(JSON.stringify({ engine: "tekton", environment, contexts }));
  declare({ dev: { ci: atTekton(Object(dev["ci"])) }, prod: { ci: atTekton(Object(prod["ci"])) } });
  const { output } = await run("a-token-of-circleci");
  expect(output).toMatch(/shop-build · declared by dev\n {2}for {4}runs of what is merged, and the schedule, in the/);
  expect(output).toMatch(/shop-read · declared by dev\n {2}for {4}runs of whoever may push a branch/);
  expect(output).not.toMatch(/CircleCI/);
});

test("at Travis CI, it says which variables to set for which branches, and that they are no walls between jobs", async () => {
  const engine = { engine: "travis" };
  const atTravis = ({ environment, contexts }: Settings): Settings =>
    JSON.parse(JSON.stringify({ ...engine, environment, contexts }));
  declare({ dev: { ci: atTravis(Object(dev["ci"])) }, prod: { ci: atTravis(Object(prod["ci"])) } });
  const { output, error } = await run("a-token-of-circleci");
  expect(error).not.toMatch(/CircleCI/);
  expect(output).toMatch(/SHOP_BUILD__DOCKERHUB_PASSWORD\s+\(registryPassword\)/);
  expect(output).toMatch(
    /shop-prod · declared by prod\n {2}for {4}the delivered branch: restrict each to it; Travis gives/,
  );
  // Source: lib/travis/build/env/settings.rb of travis-ci/travis-build: the branch of a pull request is what it is for.
  expect(output.replaceAll(/\s+/g, " ")).toMatch(
    /warning \S*Pulumi\.dev\.yaml: ci\.engine: travis: settings of a branch are no wall: pull requests for that branch from branches of the repository get them/,
  );
  expect(output).not.toMatch(/CircleCI/);
});

test("environments of one pipeline have one engine, or there is none to look at", async () => {
  declare({ prod: { ci: { engine: "travis" } } });
  const { output, error } = await run();
  expect(output).toBe("");
  expect(error).toMatch(/prod\.yaml: ci\.engine: "travis": it gets its digests from dev, whose pipeline circleci runs/);
});

describe("comments that change environments", () => {
  const github = { repository: "acme/shop", branch: "main", commands: true };

  test("what the receiver holds, and who has it act, is named; where nobody lets them, there is no receiver", async () => {
    declare();
    expect((await run()).output).not.toContain("delivery serve");
    declare({ prod: { github } });
    const { output, error } = await run();
    expect(error).toBe("");
    expect(output).toContain(`delivery serve · changes prod, wherever it runs
  for    who may write both to acme/shop and to https://github.com/acme/deploy.git, by a comment
  holds  DELIVERY_WEBHOOK_SECRET: whoever has it passes for GitHub, and so for everybody who may write to acme/shop`);
    expect(output).toContain("Nothing to do.");
    expect(JSON.parse((await run("", "--json")).output).receiver.environments).toEqual(["prod"]);
  });

  test("one person who changes the last environment, and a deploy repository elsewhere, are lower walls", async () => {
    declare({
      prod: {
        github,
        promotion: { from: "dev", test: "true", holds: true },
        gitops: { repository: "https://git.example/acme/deploy.git", branch: "prod" },
      },
    });
    const { output } = await run("", "--json");
    expect(reportSchema.parse(JSON.parse(output)).findings).toEqual([
      {
        level: "warning",
        location: "stacks/Pulumi.prod.yaml: github.commands",
        message: expect.stringContaining("is not on this GitHub"),
      },
      {
        level: "warning",
        location: "stacks/Pulumi.prod.yaml: github.commands",
        message: expect.stringContaining("one person's comment changes what prod runs"),
      },
      {
        level: "warning",
        location: "stacks/Pulumi.prod.yaml: promotion.holds",
        message: expect.stringContaining("the context of prod has no DELIVERY_GITHUB_TOKEN"),
      },
    ]);
  });
});
