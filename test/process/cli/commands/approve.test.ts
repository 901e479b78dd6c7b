import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { command as approve } from "../../../../cli/commands/approve.ts";
import { command as promote } from "../../../../cli/commands/promote.ts";
import { command as release } from "../../../../cli/commands/release.ts";
import { parseRecord, recordPath, type ReleaseRecord } from "../../../../git/release-record.ts";
import { openDeliveredShop, type CommandOutcome, type DeliveredShop } from "../../../support/delivered-shop.ts";
import { strangerToken } from "../../../support/github-harness.ts";

const program = process.cwd();
const digestOf = (digit: string): string => `sha256:${digit.repeat(64)}`;
const short = (digit: string): string => digestOf(digit).slice(0, 19);

let shop: DeliveredShop;
let begin: string;
let shown: string;

beforeAll(async () => {
  shop = await openDeliveredShop();
  shown = join(shop.root, "..", "shown.json");
  process.chdir(shop.root);
  declare({ holds: true, approval: true });
  begin = await shop.commit("Let people decide", {});
});
afterAll(async () => {
  process.chdir(program);
  await shop[Symbol.asyncDispose]();
});
beforeEach(() => {
  for (const environment of ["dev", "staging"])
    for (const service of ["link", "user"]) shop.release(environment, service, "1", begin);
});
afterEach(() => declare({ holds: true, approval: true }));

function declare(promotion: Readonly<Record<string, unknown>>): void {
  shop.declare("staging", { promotion: { from: "dev", ...promotion } });
}

const run = (...args: readonly string[]): Promise<CommandOutcome> =>
  shop.run(approve, ["--env", "staging", ...args, ...(args.includes("--propose") ? [] : ["--unverified"])]);
const propose = (...args: readonly string[]): Promise<CommandOutcome> => run("--propose", shown, ...args);
const decide = (...args: readonly string[]): Promise<CommandOutcome> => run("--shown", shown, ...args);
const subjects = (): readonly string[] => shop.deploy.subjects();

function record(environment: string, service: string): ReleaseRecord {
  const path = recordPath(environment, service);
  const parsed = parseRecord(path, shop.deploy.files()[path] ?? "");
  if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed;
}

/** Merges a pull request that changes services, and releases what it makes in `dev`. */
async function merge(
  branch: string,
  digit: string,
  services: readonly string[] = ["link"],
  others: Readonly<Record<string, string>> = {},
): Promise<Merged> {
  await shop.github.git("checkout", "-q", "-b", branch);
  const pages = services.map((service) => [`svc/${service}_service/page.txt`, `${branch}.\n`] as const);
  const head = await shop.commit(`feat: ${branch}`, { ...others, ...Object.fromEntries(pages) });
  await shop.github.git("checkout", "-q", "main");
  const opened = await shop.github.request("POST", "/repos/acme/shop/pulls", {
    title: branch,
    head: branch,
    base: "main",
  });
  const number = Number(opened.body["number"]);
  const merged = await shop.github.request("PUT", `/repos/acme/shop/pulls/${number}/merge`, {});
  await shop.github.git("pull", "-q", "origin", "main");
  const commit = String(merged.body["sha"]);
  for (const service of services) shop.release("dev", service, digit, commit);
  return { number, head, commit };
}

interface Merged {
  readonly number: number;
  readonly head: string;
  readonly commit: string;
}

const labelsOf = async (number: number): Promise<unknown> =>
  (await shop.github.request("GET", `/repos/acme/shop/pulls/${number}`)).body["labels"];
const statusOf = async (commit: string) =>
  (await shop.github.request("GET", `/repos/acme/shop/commits/${commit}/status`)).body;

describe("shows", () => {
  test("what is to be decided about, writes it, and says how to go on; nothing changes", async () => {
    shop.release("dev", "link", "2", begin);
    const before = subjects();
    expect(await propose()).toEqual({
      output: [
        "What dev runs, and staging is to run:",
        `  link ${digestOf("2")}, built from ${begin}`,
        `To decide: npx delivery approve --env staging --shown ${shown} with --go, --hold REASON or --take-back REASON`,
      ].join("\n"),
      notes: "",
      error: "",
    });
    expect(JSON.parse(readFileSync(shown, "utf8"))).toEqual({ link: digestOf("2") });
    expect(JSON.parse((await run("--json")).output)).toEqual({
      environment: "staging",
      from: "dev",
      changed: false,
      services: [{ service: "link", digest: digestOf("2"), sourceCommit: begin, hold: null }],
    });
    expect(subjects()).toEqual(before);
  });

  test("where it cannot be written, what to do", async () => {
    shop.release("dev", "link", "2", begin);
    expect((await run("--propose", join(shop.root, "README.md", "shown.json"))).error).toMatch(
      /shown\.json cannot be written \(.*\); give --propose another file$/,
    );
  });

  test("that there is nothing", async () => {
    expect(await run()).toMatchObject({ output: "staging: there is nothing to promote", error: "" });
  });
});

describe("go on", () => {
  test("promotes what was shown, and the commit says who has approved", async () => {
    shop.release("dev", "link", "2", begin);
    await propose();
    expect(await decide("--go", "--requested-by", "ada")).toMatchObject({
      output: expect.stringContaining(`staging: link ${short("1")} → ${short("2")}`),
      error: "",
    });
    expect(record("staging", "link").image?.digest).toBe(digestOf("2"));
    expect(shop.deploy.git("log", "-1", "--format=%B")).toMatch(
      /^promote\(dev → staging\): link .*\nApproved: by hand, .*\nRequested-By: ada$/s,
    );
  });

  test("asks the other gates, as a promotion does", async () => {
    declare({ approval: true, test: "exit 7" });
    shop.release("dev", "link", "2", begin);
    await propose();
    expect((await decide("--go")).error).toMatch(/staging: not all gates hold; .*✗ test .*exit status 7/s);
    expect(record("staging", "link").image?.digest).toBe(digestOf("1"));
  });
});

describe("hold", () => {
  test("puts the newest pull request of each service on hold, which keeps it out until it is named again", async () => {
    const { number: older } = await merge("older", "2");
    const { number, head } = await merge("newer", "3", ["link", "user"]);
    await propose();
    expect(await decide("--hold", "the picture is missing")).toMatchObject({
      output: `staging: link, user does not come until pull request #${number} is no longer on hold: http://github.test/acme/shop/pull/${number}`,
      error: "",
    });
    expect(await labelsOf(number)).toMatchObject([{ name: "delivery/hold" }]);
    expect(await labelsOf(older)).toEqual([]);
    expect(await statusOf(head)).toMatchObject({
      statuses: [{ context: "delivery/hold", state: "failure", description: "On hold: the picture is missing" }],
    });
    const held = `link has pull request #${number} in it, which is on hold`;
    expect((await propose()).output).toContain(held);
    expect((await decide("--go")).error).toMatch(/✗ hold {6}0 of 2 digests have nothing in them that is on hold/);
    expect((await decide("--go", "--unhold", String(older))).error).toBe(
      `#${older} is not on hold (label delivery/hold); nothing was changed`,
    );
    expect(record("staging", "link").image?.digest).toBe(digestOf("1"));
    expect((await decide("--go", "--unhold", String(number))).error).toBe("");
    expect([record("staging", "link"), record("staging", "user")].map(({ image }) => image?.digest)).toEqual([
      digestOf("3"),
      digestOf("3"),
    ]);
    expect(await labelsOf(number)).toEqual([]);
    expect(await statusOf(head)).toMatchObject({ state: "success" });
  });

  test("holds services back whose files are behind the last one that GitHub lists", async () => {
    const vendored = Array.from({ length: 3_000 }, (_, index) => [`docs/vendored/${index}.txt`, "\n"] as const);
    const { number } = await merge("vendored", "2", ["link"], Object.fromEntries(vendored));
    await propose();
    expect((await decide("--hold", "licences")).error).toBe("");
    expect((await propose()).output).toContain(`link has pull request #${number} in it, which is on hold`);
    expect((await decide("--go")).error).toMatch(/✗ hold {6}0 of 1 digests have nothing in them that is on hold/);
    expect((await decide("--go", "--unhold", String(number))).error).toBe("");
  });

  test("stays on hold where a person takes it off, and another gate refuses", async () => {
    declare({ holds: true, approval: true, test: "echo '3 of 4 links'; exit 1" });
    const { number } = await merge("refused", "2");
    await propose();
    expect((await decide("--hold", "translations are missing")).error).toBe("");
    const { error } = await decide("--go", "--unhold", String(number));
    expect(error).toMatch(/✓ hold .*\n.*✗ test .*ended with exit status 1/);
    expect(record("staging", "link").image?.digest).toBe(digestOf("1"));
    expect(await labelsOf(number)).toEqual(["delivery/hold"].map((name) => expect.objectContaining({ name })));
    declare({ holds: true, approval: true });
    expect((await decide("--go", "--unhold", String(number))).error).toBe("");
    expect(await labelsOf(number)).toEqual([]);
  });

  test("is refused where the environment would not mind it", async () => {
    declare({ approval: true });
    const { number } = await merge("unminded", "2");
    await propose();
    expect((await decide("--hold", "no")).error).toMatch(
      /^stacks\/Pulumi\.staging\.yaml: promotion\.holds is not true, so that what is on hold would come to staging/,
    );
    expect(await labelsOf(number)).toEqual([]);
  });

  test("is refused for what came by no pull request", async () => {
    const commit = await shop.commit("fix: pushed", { "svc/link_service/page.txt": "Pushed.\n" });
    shop.release("dev", "link", "2", commit);
    await propose();
    // Its own commit is none of a pull request, and neither are those before, back to what staging runs.
    shop.release("staging", "link", "1", await shop.github.git("rev-parse", "HEAD~1"));
    expect((await decide("--hold", "no")).error).toBe(
      "link: came by no merged pull request, which could be put on hold; nothing was changed. Take it back, or decide about the others with --service",
    );
  });

  test("is refused by GitHub to who may not", async () => {
    const { number } = await merge("guarded", "2");
    await propose();
    const environment = { PATH: process.env["PATH"], DELIVERY_GITHUB_TOKEN: strangerToken };
    const args = ["--env", "staging", "--shown", shown, "--hold", "no", "--unverified"];
    expect((await shop.run(approve, args, { environment })).error).toMatch(/^GitHub refuses to label acme\/shop#\d+/);
    expect(await labelsOf(number)).toEqual([]);
  });
});

describe("take back", () => {
  test("has what ran before run again, each service by its own commit, and it does not come back by itself", async () => {
    shop.release("dev", "link", "2", begin);
    const { commit } = await merge("bad", "3", ["user"]);
    await propose();
    const before = subjects().length;
    expect(await decide("--take-back", "it loses orders", "--requested-by", "ada")).toMatchObject({
      output: expect.stringMatching(
        new RegExp(
          `^dev: link ${short("2")} → ${short("1")}, commit [0-9a-f]+\ndev: user ${short("3")} → ${short("1")}, commit [0-9a-f]+$`,
        ),
      ),
      error: "",
    });
    expect(subjects().length - before).toBe(2);
    expect(shop.deploy.git("log", "-1", "--format=%B")).toMatch(
      /^rollback\(dev\): user .*\nReason: it loses orders\nJudged-For: staging\nDecided: by hand, .*\nRequested-By: ada$/s,
    );
    expect(record("dev", "user")).toMatchObject({
      image: { digest: digestOf("1") },
      rejected: { digest: digestOf("3"), sourceCommit: commit, reason: "it loses orders" },
    });
    const again = ["--env", "dev", "--service", `user=${digestOf("3")}`, "--source-commit", commit, "--unverified"];
    expect((await shop.run(release, again)).error).toBe("");
    expect(record("dev", "user").image?.digest).toBe(digestOf("1"));
    expect((await shop.run(promote, ["--to", "staging", "--check", "--unverified"])).output).toBe(
      "staging: there is nothing to promote",
    );
    // Asked for twice, it would take itself back.
    expect((await decide("--take-back", "again")).error).toBe(
      "staging: there is nothing to approve: it gets nothing from dev; nothing was changed",
    );
    expect(record("dev", "user").image?.digest).toBe(digestOf("1"));
  });

  test("goes further back each time, and never to what was taken back before", async () => {
    for (const digit of ["2", "3", "4"]) shop.release("dev", "link", digit, begin);
    const ran: (string | undefined)[] = [];
    for (let time = 0; time < 3; time++) {
      await propose("--service", "link");
      await decide("--service", "link", "--take-back", "it loses orders");
      ran.push(record("dev", "link").image?.digest);
    }
    expect(ran).toEqual(["3", "2", "1"].map(digestOf));
  });

  test("leaves what has nothing to go back to, and takes the others", async () => {
    shop.release("dev", "cart", "2", begin);
    shop.release("staging", "cart", "1", begin);
    shop.release("dev", "link", "2", begin);
    await propose();
    const { output, error } = await decide("--take-back", "bad");
    expect(output).toMatch(/^dev: link /);
    expect(error).toBe("cart ran nothing before its last release; nothing was changed. Release another digest instead");
    expect(record("dev", "cart").image?.digest).toBe(digestOf("2"));
    shop.release("staging", "cart", "2", begin);
  });
});

describe("is refused, and nothing is changed:", () => {
  test.each(["--go", "--hold=no", "--take-back=no"])(
    "%s of other digests than those that were shown",
    async (choice) => {
      shop.release("dev", "link", "2", begin);
      shop.release("staging", "user", "3", begin);
      await propose();
      shop.release("dev", "link", "4", begin);
      shop.release("staging", "user", "1", begin);
      const before = subjects();
      expect((await decide(choice)).error).toBe(
        [
          "staging: it is no longer about what was shown; nothing was changed. Look again, with --propose FILE",
          `  link: ${short("2")} was shown, and it is ${short("4")} now`,
          `  user: ${short("1")} was shown, and is not to be promoted any more`,
        ].join("\n"),
      );
      shop.release("staging", "user", "3", begin);
      writeFileSync(shown, JSON.stringify({ link: digestOf("4") }));
      expect((await decide(choice)).error).toContain(`user: was not there, and it is ${short("1")} now`);
      expect(subjects()).toEqual(["release user", ...before]);
    },
  );

  test.each<[args: readonly string[], message: string | RegExp]>([
    [["--service", "lnk"], /^dev has no service "lnk": dev\/ on branch main of .* has (cart, )?link, user; nothing/],
    [["--go"], "--shown is missing: have --propose FILE show what it is about, and give --shown FILE"],
    [["--shown", "x"], "--shown is for a choice: give --go, --hold REASON or --take-back REASON, too"],
    [["--shown", "x", "--go", "--hold", "no"], "--go, --hold and --take-back exclude each other; choose one"],
    [["--shown", "x", "--hold", " "], '--hold " ": must say in one line why it must wait'],
    [["--shown", "x", "--take-back", "a\nb"], '--take-back "a\\nb": must say in one line why it is taken back'],
    [["--shown", "x", "--hold", "no", "--unhold", "1"], "--unhold is for --go"],
    [["--shown", "no-such-file", "--go"], /^no-such-file: .*; must be JSON such as/],
  ])("%j", async (args, message) => {
    expect((await run(...args)).error).toMatch(message);
  });

  test("an environment that gets what is merged", async () => {
    expect((await shop.run(approve, ["--env", "dev"])).error).toBe(
      "dev gets what is merged, and nothing by promotion (stacks/Pulumi.dev.yaml), so that there is nothing to approve; `delivery rollback --env dev` takes back what it runs",
    );
  });
});
