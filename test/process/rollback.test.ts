import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { command as rollback } from "../../cli/commands/rollback.ts";
import { initialRecord, recordPath, recordWith } from "../../git/release-record.ts";
import { CommandWorld } from "./command-world.ts";

const digestOf = (digit: string): string => `sha256:${digit.repeat(64)}`;
const [one, two, three, four] = [digestOf("1"), digestOf("2"), digestOf("3"), digestOf("4")];
const [first, second, third, fourth] = ["1111111", "2222222", "3333333", "4444444"] as const;

let world: CommandWorld;
/** The commit of the first release. */
let oldest: string;
beforeEach(async () => {
  world = await CommandWorld.start();
  oldest = world.release({ link: one, user: one });
  world.release({ link: two });
  world.repository.commit({ "dev/link/deployment.yaml": "replicas: 2\n" }, "manifests");
});
afterEach(() => world[Symbol.asyncDispose]());

const back = (...args: string[]): Promise<string> => world.run(rollback, ["--env", "dev", ...args]);
const link = (): string | undefined => world.record("dev", "link");
const user = (): string | undefined => world.record("dev", "user");

test("goes to before the last release, by a new commit that touches nothing else", async () => {
  await back();
  expect(link()).toBe(world.pinned("link", one, { digest: two }));
  expect(user()).toBe(world.pinned("user", one));
  expect(world.repository.files()["dev/link/deployment.yaml"]).toBe("replicas: 2\n");
  expect(world.repository.git("log", "-1", "--format=%B")).toBe(
    `rollback(dev): link ${one.slice(0, 19)}\n\nService: link\nDigest: ${one}\nRollback-To: ${oldest}`,
  );
});

test("fetches no big files of the history where the server can leave them out", async () => {
  world.repository.commit({ "film.bin": "x".repeat(100_000) });
  world.repository.git("config", "uploadpack.allowFilter", "true");
  await back();
  expect(link()).toBe(world.pinned("link", one, { digest: two }));
  expect(world.repository.files()["film.bin"]).toHaveLength(100_000);
});

test("goes to a commit, for one service", async () => {
  await back("--service", "link", "--to", oldest.slice(0, 10));
  expect(link()).toBe(world.pinned("link", one, { digest: two }));
});

describe("passes over", () => {
  test("commits that only note what else makes the image, and brings back what the digest was built from", async () => {
    world.release({ link: one }, first);
    world.release({ link: two }, second);
    world.release({ link: two }, third);
    await back();
    expect(link()).toBe(world.pinned("link", one, { digest: two, sourceCommit: third }, first));
    expect(user()).toBe(world.pinned("user", one));
  });

  test("what the running digest was built from", async () => {
    world.release({ user: one }, first);
    await back("--to", oldest);
    expect(link()).toBe(world.pinned("link", one, { digest: two }));
    expect(user()).toBe(world.pinned("user", one, undefined, first));
  });

  test("new services, before and after their first release", async () => {
    for (const service of ["cart", "shelf"])
      world.repository.commit({ [recordPath("dev", service)]: initialRecord(service) }, "manifests");
    world.release({ cart: one });
    await back();
    expect(link()).toBe(world.pinned("link", one, { digest: two }));
    expect(world.record("dev", "cart")).toBe(world.pinned("cart", one));
    expect(world.record("dev", "shelf")).toBe(initialRecord("shelf"));
  });

  test("records written in another way, or under another name of the repository", async () => {
    const written = (name: string): string =>
      `apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages:\n- digest: ${two}\n  name: ${name}\n`;
    for (const name of [`${world.registry.host}/acme/shop-link`, "docker.io/other/shop-link"])
      world.repository.commit({ [recordPath("dev", "link")]: written(name) }, "by the watcher");
    await back();
    expect(link()).toBe(world.pinned("link", one, { digest: two }));
  });

  test("faulty records that somebody has mended", async () => {
    world.repository.commit({ [recordPath("dev", "link")]: "images: [" });
    world.release({ link: three });
    await back("--service", "link");
    expect(link()).toBe(world.pinned("link", two, { digest: three }));
  });
});

describe("several of them", () => {
  test("take each other back, where the commit counts again; a further one names the newest", async () => {
    world.release({ link: one }, first);
    const before = world.repository.git("rev-parse", "main");
    world.release({ link: two }, second);
    world.release({ link: three }, third);
    await back();
    expect(link()).toBe(world.pinned("link", two, { digest: three, sourceCommit: third }, second));
    await back();
    expect(link()).toBe(world.pinned("link", three, undefined, third));
    await back();
    expect(link()).toBe(world.pinned("link", two, { digest: three, sourceCommit: third }, second));
    await back("--to", before);
    expect(link()).toBe(world.pinned("link", one, { digest: three, sourceCommit: third }, first));
    await back();
    expect(link()).toBe(world.pinned("link", two, { digest: three, sourceCommit: third }, second));
  });

  test("name the newest, also where nobody says what it was built from", async () => {
    world.release({ link: three });
    await back();
    expect(link()).toBe(world.pinned("link", two, { digest: three }));
    await back("--to", oldest);
    expect(link()).toBe(world.pinned("link", one, { digest: three }));
  });

  test("name the newest, also after one was taken back", async () => {
    world.release({ link: three });
    await back();
    await back();
    expect(link()).toBe(world.pinned("link", three));
    await back("--to", oldest);
    expect(link()).toBe(world.pinned("link", one, { digest: three }));
  });

  test("name the newest, also where it was released since, or noted as what a newer commit makes", async () => {
    await back();
    world.release({ link: three });
    await back();
    expect(link()).toBe(world.pinned("link", one, { digest: three }));
    const confirmed = world.pinned("link", two, { digest: three }, fourth);
    world.repository.commit({ [recordPath("dev", "link")]: confirmed });
    await back("--to", oldest);
    expect(link()).toBe(world.pinned("link", one, { digest: two, sourceCommit: fourth }));
  });
});

describe("where the repository of the images had another name", () => {
  let known: string;
  let commit: string;
  beforeEach(() => {
    known = world.registry.push("acme/shop-link", "0.2.1");
    const releasedOnce = (digest: string): string => {
      const record = recordWith({ repository: "docker.io/acme/shop-link", digest });
      return world.repository.commit({ [recordPath("dev", "link")]: record }, "release");
    };
    commit = releasedOnce(known);
    releasedOnce(four);
    world.release({ link: three });
  });

  test("writes the name of today, which the manifests have", async () => {
    await back("--to", commit);
    expect(link()).toBe(world.pinned("link", known, { digest: three }));
  });

  test("refuses a digest that is not there, unless it is told not to ask", async () => {
    await expect(back()).rejects.toThrow(
      `the registry does not have ${world.registry.host}/acme/shop-link@${four}; push first, or give --unverified`,
    );
    expect(link()).toBe(world.pinned("link", three));
    await back("--unverified");
    expect(link()).toBe(world.pinned("link", four, { digest: three }));
  });
});

test("fails where the same ran, and says of what", async () => {
  const tip = world.repository.git("rev-parse", "main");
  await expect(back("--to", tip)).rejects.toThrow(
    `dev already runs what it ran at ${tip} of link, user; nothing was changed. Give another commit with --to`,
  );
  expect(world.repository.git("rev-parse", "main")).toBe(tip);
});

test.each<[fault: string, args: string[], reason: RegExp]>([
  [
    "a service that ran nothing before",
    ["--service", "user"],
    /user ran nothing before its last release; nothing was changed/,
  ],
  ["an unknown commit", ["--to", "0123456789"], /"0123456789" is no commit of the branch/],
  ["an option for a commit", ["--to=--all"], /is no commit of the branch|is not a commit/],
  ["an unknown service", ["--service", "news"], /dev has no service "news"/],
  ["an environment without services", ["--env", "prod"], /prod has no services yet/],
])("refuses %s", async (_fault, args, reason) => {
  const before = world.repository.git("rev-parse", "main");
  await expect(back(...args)).rejects.toThrow(reason);
  expect(world.repository.git("rev-parse", "main")).toBe(before);
});
