import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { command as release } from "../../../../cli/commands/release.ts";
import { errorMessage } from "../../../../core/error.ts";
import { initialRecord, recordPath, recordWith } from "../../../../git/release-record.ts";
import { BareRepository } from "../../../support/bare-repository.ts";

const one = `sha256:${"1".repeat(64)}`;
const source = "0123456789abcdef0123456789abcdef01234567";
const images = "docker.io/acme/shop";

let repository: BareRepository;
let digests: string;
beforeEach(() => {
  digests = mkdtempSync(join(tmpdir(), "release-"));
  repository = new BareRepository();
  repository.commit({
    [recordPath("dev", "link")]: initialRecord("link"),
    [recordPath("dev", "user")]: initialRecord("user"),
  });
});
afterEach(() => {
  repository[Symbol.dispose]();
  rmSync(digests, { recursive: true });
});

/** As CI's job runs it, after builds of these services. */
async function releaseBuilt(services: readonly string[], ...args: string[]) {
  for (const service of services) writeFileSync(join(digests, `${service}.json`), JSON.stringify({ [service]: one }));
  const lines: string[] = [];
  const notes: string[] = [];
  const where = ["--env", "dev", "--repository", repository.url, "--images", images, "--unverified"];
  const error = await release
    .run([...where, "--digests", digests, "--source-commit", source, ...args], {
      environment: {},
      print: (line) => lines.push(line),
      note: (line) => notes.push(line),
      input: async () => "",
      signal: new AbortController().signal,
    })
    .then(
      () => "",
      (reason: unknown) => errorMessage(reason),
    );
  return { output: lines.join("\n"), notes, error };
}

const built = (service: string): string =>
  recordWith({ repository: `${images}-${service}`, digest: one, sourceCommit: source });
const record = (service: string): string | undefined => repository.files()[recordPath("dev", service)];

test("a service that was built before `pulumi up` has declared it is left out, and that is said; the others are released", async () => {
  const { output, notes, error } = await releaseBuilt(["cart", "link", "user"]);
  expect(error).toBe("");
  expect(notes).toEqual([
    "not released: cart, which dev does not have yet. Run `pulumi up`, which makes the manifests and the release record; after that, the next pipeline releases it, or this job if it is run again",
  ]);
  expect(output).toMatch(/^dev: link \(nothing\) → sha256:1{12}\ndev: user \(nothing\) → sha256:1{12}\ncommit /);
  expect(["cart", "link", "user"].map(record)).toEqual([undefined, built("link"), built("user")]);
  expect(repository.git("log", "-1", "--format=%(trailers:key=Service,valueonly)").split("\n")).toEqual([
    "link",
    "user",
  ]);
});

test("it is left out where the others run already, and the JSON names it", async () => {
  await releaseBuilt(["link"]);
  const { output, error } = await releaseBuilt(["cart", "link"], "--json");
  expect(error).toBe("");
  expect(JSON.parse(output)).toMatchObject({ changed: false, services: [], undeclared: ["cart"] });
});

test("once it is declared, the same job releases it", async () => {
  await releaseBuilt(["cart", "link"]);
  repository.commit({ [recordPath("dev", "cart")]: initialRecord("cart") }, "pulumi up");
  expect((await releaseBuilt([])).notes).toEqual([]);
  expect(record("cart")).toBe(built("cart"));
});

test("with nothing else built, it fails", async () => {
  const { error, notes } = await releaseBuilt(["cart", "news"]);
  expect(error).toMatch(
    /^dev has no service "cart", "news": .* has link, user; run `pulumi up` first, or give --new; noth/,
  );
  expect(notes).toEqual([]);
  expect(repository.subjects()).toEqual(["by hand"]);
});

test("a service that is named and not there fails, whatever was built", async () => {
  const { error } = await releaseBuilt(["cart", "link"], "--service", `usr=${one}`);
  expect(error).toMatch(/^dev has no service "usr": /);
  expect(repository.subjects()).toEqual(["by hand"]);
});

test("--new releases it, too", async () => {
  const { error, notes } = await releaseBuilt(["cart", "link"], "--new");
  expect([error, notes]).toEqual(["", []]);
  expect(record("cart")).toBe(built("cart"));
});
