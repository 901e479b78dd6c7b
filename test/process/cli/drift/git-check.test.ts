import { afterEach, beforeEach, expect, test } from "vitest";
import { gitCheck, lastChangesIn, readDirectory } from "../../../../cli/drift/git-check.ts";
import type { Check } from "../../../../cli/drift/report.ts";
import { readBranch } from "../../../../git/deploy-repository.ts";
import { BareRepository } from "../../../support/bare-repository.ts";

let repository: BareRepository;
beforeEach(() => {
  repository = new BareRepository();
});
afterEach(() => repository[Symbol.dispose]());

/** What is found of the files that the stack has written, and the commands of Git that say by whom. */
async function check(files: Record<string, string>): Promise<{ look: Check; logs: string[] }> {
  const declared = { directory: "dev", stack: "delivery/dev", files, records: {} };
  const logs: string[] = [];
  const found = await readBranch(
    { repository: repository.url, branch: "main" },
    async (snapshot, git) => {
      const watched: typeof git = (args, input) => {
        logs.push(args.join(" "));
        return git(args, input);
      };
      return gitCheck(declared, await readDirectory(snapshot, "dev"), lastChangesIn(watched, snapshot.commit));
    },
    "whole history",
  );
  return { look: found, logs };
}

test("one process says of all files by which commit they differ, however many there are", async () => {
  const names = Array.from({ length: 300 }, (_, index) => `dev/svc-${index}/service.yaml`);
  const files = Object.fromEntries(names.map((name) => [name, "kind: Service\n"]));
  // As fast-import takes a path with a line break.
  const quoted = String.raw`"dev/*\nx"`;
  const first = repository.commit({ ...files, "dev/odd": "by hand, from the start", README: "r" });
  const emptied = repository.commit(Object.fromEntries(names.map((name) => [name, undefined])));
  const edited = repository.commit({ "dev/svc-7/service.yaml": "kind: Pod\n", [quoted]: "", "other/a": "" });
  repository.commit({ "other/a": "dev" });
  const { look: found, logs } = await check(files);
  const by = (commit: string) => expect.stringMatching(new RegExp(` in ${commit.slice(0, 7)}\\w* by Someone$`));
  const changes = new Map(found.findings.map(({ what, change }) => [what, change]));
  expect(changes.size).toBe(303);
  expect(changes.get("dev/svc-7/service.yaml")).toEqual(by(edited));
  expect(changes.get("dev/*\nx")).toEqual(by(edited));
  expect(changes.get("dev/odd")).toEqual(by(first));
  // No commit has ever had it.
  expect(changes.get("dev/.delivery.yaml")).toMatch(/may take the directory$/);
  for (const name of names.filter((one) => one !== "dev/svc-7/service.yaml"))
    expect(changes.get(name)).toEqual(by(emptied));
  expect(logs).toHaveLength(1);
});

test("a branch that is gone has lost every file", async () => {
  const { look: found } = await check({ "dev/a.yaml": "a" });
  expect(found).toMatchObject({
    state: "found",
    findings: [{ what: "dev/a.yaml", change: "was deleted" }, { what: "dev/.delivery.yaml" }],
  });
});
