import { expect, test } from "vitest";
import { readReleases, releasesReader } from "../../../../cli/status/git-status.ts";
import { commitReleases } from "../../../../git/records.ts";
import { recordPath, recordWith } from "../../../../git/release-record.ts";
import { BareRepository } from "../../../support/bare-repository.ts";

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

test("the release commit is the last one that changed the record; the source commit is found by the digest, wherever it was released first", async () => {
  using repository = new BareRepository();
  const branch = { repository: repository.url, branch: "main" };
  const release = (directory: string, service: string, digit: string, trailers: string[]) =>
    commitReleases({
      ...branch,
      directory,
      choose: () => [{ service, repository: "docker.io/acme/shop", digest: digest(digit) }],
      describe: () => ({ subject: "release", trailers }),
    });
  const first = await release("dev", "link", "1", ["Source-Commit: 1111111"]);
  await release("dev", "user", "2", []);
  await release("dev", "link", "3", ["Source-Commit: 3333333"]);
  const promoted = await release("prod", "link", "1", ["Promoted-From: dev"]);
  const { head, releases } = await readReleases(branch, "prod");
  expect(head).toBe(promoted.commit);
  expect(releases).toMatchObject([
    { service: "link", releaseCommit: promoted.commit, sourceCommit: "1111111", image: { digest: digest("1") } },
  ]);
  const dev = await readReleases(branch, "dev");
  expect(dev.releases).toMatchObject([
    { service: "link", sourceCommit: "3333333" },
    { service: "user", sourceCommit: null },
  ]);
  expect(Date.parse(dev.releases[0]?.releasedAt ?? "")).toBeGreaterThan(Date.now() - 60_000);
  expect(dev.releases[0]?.releaseCommit).not.toBe(first.commit);
  // That another commit makes the same image, too, releases nothing.
  const noted = recordWith({ repository: "docker.io/acme/shop", digest: digest("3"), sourceCommit: "4444444" });
  repository.commit({ [recordPath("dev", "link")]: noted });
  expect((await readReleases(branch, "dev")).releases[0]).toMatchObject({
    releaseCommit: dev.releases[0]?.releaseCommit,
    sourceCommit: "4444444",
  });
  // Nor does a verdict, which status shows with what was taken back, and what waits.
  const at = "2026-11-03T09:40:00.000Z";
  const verdict = { state: "passed", at, evidence: "2 pods" } as const;
  const rejected = { digest: digest("5"), reason: "never ready" };
  const waiting = { digest: digest("6") };
  const image = { repository: "docker.io/acme/shop", digest: digest("3") };
  repository.commit({
    [recordPath("dev", "link")]: recordWith({ ...image, verification: verdict, waiting }, rejected),
  });
  expect((await readReleases(branch, "dev")).releases[0]).toMatchObject({
    releaseCommit: dev.releases[0]?.releaseCommit,
    verification: verdict,
    rejected,
    waiting,
  });
});

test("whoever asks again fetches the history only where the branch has moved", async () => {
  using repository = new BareRepository();
  const record = recordWith({ repository: "docker.io/acme/shop", digest: digest("1") });
  const read = releasesReader({ repository: repository.url, branch: "main" }, "dev");
  expect(await read()).toEqual({ head: null, releases: [] });
  repository.commit({ [recordPath("dev", "link")]: record });
  const first = await read();
  expect(first.releases).toMatchObject([{ service: "link", image: { digest: digest("1") } }]);
  expect(await read()).toBe(first);
  repository.commit({ [recordPath("dev", "user")]: record });
  expect((await read()).releases.map(({ service }) => service)).toEqual(["link", "user"]);
});
