import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { command as rollback } from "../../../../cli/commands/rollback.ts";
import { registryClient } from "../../../../cli/registry/client.ts";
import { overwrittenLines } from "../../../../cli/release/registry-watch.ts";
import { previousImages, previousImagesPath } from "../../../../git/allowed-images.ts";
import { initialRecord, recordPath, recordWith } from "../../../../git/release-record.ts";
import { CommandHarness } from "../../../support/command-harness.ts";

const digestOf = (digit: string): string => `sha256:${digit.repeat(64)}`;
const [one, two, three, four] = [digestOf("1"), digestOf("2"), digestOf("3"), digestOf("4")];
const [first, second, third, fourth] = ["1111111", "2222222", "3333333", "4444444"] as const;

let harness: CommandHarness;
/** The commit of the first release. */
let oldest: string;
beforeEach(async () => {
  harness = await CommandHarness.start();
  oldest = harness.release({ link: one, user: one });
  harness.release({ link: two });
  harness.repository.commit({ "dev/link/deployment.yaml": "replicas: 2\n" }, "manifests");
});
afterEach(() => harness[Symbol.asyncDispose]());

/** The digests of most tests are in no registry. */
const back = (...args: string[]): Promise<string> => harness.run(rollback, ["--env", "dev", "--unverified", ...args]);
const verified = (...args: string[]): Promise<string> => harness.run(rollback, ["--env", "dev", ...args]);
const link = (): string | undefined => harness.record("dev", "link");
const user = (): string | undefined => harness.record("dev", "user");

test("goes to before the last release, by a new commit that touches nothing else", async () => {
  await back();
  expect(link()).toBe(harness.pinned("link", one, { digest: two }));
  expect(user()).toBe(harness.pinned("user", one));
  expect(harness.repository.files()["dev/link/deployment.yaml"]).toBe("replicas: 2\n");
  expect(harness.repository.git("log", "-1", "--format=%B")).toBe(
    `rollback(dev): link ${one.slice(0, 19)}\n\nService: link\nDigest: ${one}\nRollback-To: ${oldest}`,
  );
});

test("fetches no big files of the history where the server can leave them out", async () => {
  harness.repository.commit({ "film.bin": "x".repeat(100_000) });
  harness.repository.git("config", "uploadpack.allowFilter", "true");
  await back();
  expect(link()).toBe(harness.pinned("link", one, { digest: two }));
  expect(harness.repository.files()["film.bin"]).toHaveLength(100_000);
});

test("lets the pods that it takes away start again until they are gone, where the cluster asks", async () => {
  const path = previousImagesPath("dev", "link");
  const image = (digest: string): string => `${harness.registry.host}/acme/shop-link@${digest}`;
  harness.repository.commit({ [path]: previousImages([image(one)]) }, "asked");
  await back();
  expect(link()).toBe(harness.pinned("link", one, { digest: two }));
  expect(harness.repository.files()[path]).toBe(previousImages([image(two)]));
  expect(harness.repository.files()).not.toHaveProperty([previousImagesPath("dev", "user")]);
});

test("goes to a commit, for one service", async () => {
  await back("--service", "link", "--to", oldest.slice(0, 10));
  expect(link()).toBe(harness.pinned("link", one, { digest: two }));
});

describe("passes over", () => {
  test("commits that only note what else makes the image, and brings back what the digest was built from", async () => {
    harness.release({ link: one }, first);
    harness.release({ link: two }, second);
    harness.release({ link: two }, third);
    await back();
    expect(link()).toBe(harness.pinned("link", one, { digest: two, sourceCommit: third }, first));
    expect(user()).toBe(harness.pinned("user", one));
  });

  test("what the running digest was built from", async () => {
    harness.release({ user: one }, first);
    await back("--to", oldest);
    expect(link()).toBe(harness.pinned("link", one, { digest: two }));
    expect(user()).toBe(harness.pinned("user", one, undefined, first));
  });

  test("new services, before and after their first release", async () => {
    for (const service of ["cart", "shelf"])
      harness.repository.commit({ [recordPath("dev", service)]: initialRecord(service) }, "manifests");
    harness.release({ cart: one });
    await back();
    expect(link()).toBe(harness.pinned("link", one, { digest: two }));
    expect(harness.record("dev", "cart")).toBe(harness.pinned("cart", one));
    expect(harness.record("dev", "shelf")).toBe(initialRecord("shelf"));
  });

  test("records written in another way, or under another name of the repository", async () => {
    const written = (name: string): string =>
      `apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages:\n- digest: ${two}\n  name: ${name}\n`;
    for (const name of [`${harness.registry.host}/acme/shop-link`, "docker.io/other/shop-link"])
      harness.repository.commit({ [recordPath("dev", "link")]: written(name) }, "by the watcher");
    await back();
    expect(link()).toBe(harness.pinned("link", one, { digest: two }));
  });

  test("faulty records that somebody has mended", async () => {
    harness.repository.commit({ [recordPath("dev", "link")]: "images: [" });
    harness.release({ link: three });
    await back("--service", "link");
    expect(link()).toBe(harness.pinned("link", two, { digest: three }));
  });
});

describe("several of them", () => {
  test("take each other back, where the commit counts again; a further one names the newest", async () => {
    harness.release({ link: one }, first);
    const before = harness.repository.git("rev-parse", "main");
    harness.release({ link: two }, second);
    harness.release({ link: three }, third);
    await back();
    expect(link()).toBe(harness.pinned("link", two, { digest: three, sourceCommit: third }, second));
    await back();
    expect(link()).toBe(harness.pinned("link", three, undefined, third));
    await back();
    expect(link()).toBe(harness.pinned("link", two, { digest: three, sourceCommit: third }, second));
    await back("--to", before);
    expect(link()).toBe(harness.pinned("link", one, { digest: three, sourceCommit: third }, first));
    await back();
    expect(link()).toBe(harness.pinned("link", two, { digest: three, sourceCommit: third }, second));
  });

  test("name the newest, also where nobody says what it was built from", async () => {
    harness.release({ link: three });
    await back();
    expect(link()).toBe(harness.pinned("link", two, { digest: three }));
    await back("--to", oldest);
    expect(link()).toBe(harness.pinned("link", one, { digest: three }));
  });

  test("name the newest, also after one was taken back", async () => {
    harness.release({ link: three });
    await back();
    await back();
    expect(link()).toBe(harness.pinned("link", three));
    await back("--to", oldest);
    expect(link()).toBe(harness.pinned("link", one, { digest: three }));
  });

  test("name the newest, also where it was released since, or noted as what a newer commit makes", async () => {
    await back();
    harness.release({ link: three });
    await back();
    expect(link()).toBe(harness.pinned("link", one, { digest: three }));
    const confirmed = harness.pinned("link", two, { digest: three }, fourth);
    harness.repository.commit({ [recordPath("dev", "link")]: confirmed });
    await back("--to", oldest);
    expect(link()).toBe(harness.pinned("link", one, { digest: two, sourceCommit: fourth }));
  });
});

describe("where the repository of the images had another name", () => {
  let known: string;
  let commit: string;
  beforeEach(() => {
    known = harness.registry.push("acme/shop-link", "0.2.1");
    const releasedOnce = (digest: string): string => {
      const record = recordWith({ repository: "docker.io/acme/shop-link", digest });
      return harness.repository.commit({ [recordPath("dev", "link")]: record }, "release");
    };
    commit = releasedOnce(known);
    releasedOnce(four);
    harness.release({ link: three });
  });

  test("writes the name of today, which the manifests have", async () => {
    await back("--to", commit);
    expect(link()).toBe(harness.pinned("link", known, { digest: three }));
  });

  test("refuses a digest that is not there, unless it is told not to ask", async () => {
    await expect(verified()).rejects.toThrow(
      `the registry does not have ${harness.registry.host}/acme/shop-link@${four}; push first, or give --unverified`,
    );
    expect(link()).toBe(harness.pinned("link", three));
    await back("--unverified");
    expect(link()).toBe(harness.pinned("link", four, { digest: three }));
  });
});

test("fails where the same ran, and says of what", async () => {
  const tip = harness.repository.git("rev-parse", "main");
  await expect(back("--to", tip)).rejects.toThrow(
    `dev already runs what it ran at ${tip} of link, user; nothing was changed. Give another commit with --to`,
  );
  expect(harness.repository.git("rev-parse", "main")).toBe(tip);
});

test("goes to what a service was built from, as a person knows it: the newest time that it ran that", async () => {
  harness.release({ link: three, user: three }, third.repeat(5));
  harness.release({ link: four, user: four }, fourth.repeat(5));
  const reason = "loses orders\n\nService: user";
  await back("--service", "link", "--to-build", third.repeat(5).slice(0, 12), "--reason", reason);
  expect(link()).toContain(`digest: "${three}"`);
  expect(link()).toContain('delivery/rejected-reason: "loses orders Service: user"');
  expect(user()).toContain(`digest: "${four}"`);
  expect(harness.repository.git("log", "-1", "--format=%(trailers:key=Reason,valueonly)")).toBe(
    "loses orders Service: user",
  );
  await back("--service", "link", "--to-build", two, "--reason", "");
  expect(link()).toContain(`digest: "${two}"`);
  await expect(back("--service", "link", "--to-build", two)).rejects.toThrow(/^dev already runs what it ran at/);
});

test.each<[fault: string, args: string[], reason: RegExp]>([
  [
    "a build that never ran",
    ["--service", "link", "--to-build", "0123456789"],
    /link of dev has never run what was built from 0123456789; nothing was changed/,
  ],
  ["a build of all services", ["--to-build", "0123456789"], /--to-build is about one service/],
  ["a build and a commit", ["--service", "link", "--to", "x", "--to-build", "0123456"], /exclude one another/],
  ["a build that is a tag", ["--service", "link", "--to-build", "v1.2"], /must be the id of a commit/],
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
  const before = harness.repository.git("rev-parse", "main");
  await expect(back(...args)).rejects.toThrow(reason);
  expect(harness.repository.git("rev-parse", "main")).toBe(before);
});

describe("an image that the registry no longer has", () => {
  let older: string;
  beforeEach(() => {
    older = harness.registry.push("acme/shop-link", "0.2.1");
    harness.release({ link: older });
    harness.release({ link: harness.registry.push("acme/shop-link", "0.2.2") });
  });

  test("is not gone back to, whatever part of it is lost, unless asked to", async () => {
    const before = harness.repository.subjects();
    for (const part of ["layer", "config", "manifest", "index"] as const) {
      harness.registry.lose(older, part);
      await expect(verified("--service", "link")).rejects.toThrow(
        /^the registry (has lost|does not have) .*acme\/shop-link@sha256:.*; nothing was changed\. Retention may have removed it: go to another commit with --to/,
      );
    }
    expect(harness.repository.subjects()).toEqual(before);
    await back("--service", "link");
    expect(link()).toContain(older);
  });

  test("is asked for, and is there", async () => {
    await verified("--service", "link");
    expect(link()).toContain(older);
  });

  test("says so where Argo CD Image Updater would undo it", async () => {
    const registry = registryClient({ login: async () => undefined });
    const repository = `${harness.registry.host}/acme/shop-link`;
    const dev = { name: "dev", registryWatch: true, stableTag: "0.2", imagesOf: () => repository };
    const environment = { ...dev, repository: harness.repository.url, branch: "main", directory: "dev" };
    const release = { service: "link", repository, digest: older };
    expect(await overwrittenLines(environment, [release], registry)).toEqual([]);
    harness.registry.push("acme/shop-link", "0.2");
    const [line] = await overwrittenLines(environment, [release], registry);
    expect(line).toMatch(/^link: Argo CD Image Updater watches .*:0\.2 for dev .* Move the tag to .*, too$/);
    expect(await overwrittenLines({ ...environment, registryWatch: false }, [release], registry)).toEqual([]);
    harness.registry.tags.get("acme/shop-link")?.set("0.2", older);
    expect(await overwrittenLines(environment, [release], registry)).toEqual([]);
  });
});
