import { describe, expect, test } from "vitest";
import { secretGenerationsProvider as provider } from "../../../components/secret-generations-provider.ts";

const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const before = { values: { link: { KEY: "hunter2" }, db: { PASSWORD: "hunter3" } }, generations: { link: 1, db: 4 } };

describe("the generations", () => {
  test.each<[what: string, values: Record<string, unknown>, generations: Record<string, number>]>([
    ["stay where nothing changes", before.values, { link: 1, db: 4 }],
    ["rise for what has another value", { ...before.values, db: { PASSWORD: "hunter4" } }, { link: 1, db: 5 }],
    ["rise for one more variable", { ...before.values, link: { KEY: "hunter2", MORE: "x" } }, { link: 2, db: 4 }],
    ["rise for one less", { ...before.values, link: {} }, { link: 2, db: 4 }],
    ["begin at 1 for one more Secret", { ...before.values, user: { KEY: "x" } }, { link: 1, db: 4, user: 1 }],
    ["are gone with their Secret", { link: before.values.link }, { link: 1 }],
    ["stay where a value is not known yet", { ...before.values, db: { PASSWORD: unknown } }, { link: 1, db: 4 }],
    ["stay where nothing of a Secret is known yet", { ...before.values, db: unknown }, { link: 1, db: 4 }],
  ])("%s", async (_what, values, generations) => {
    const { inputs, failures } = await provider.check(before, { values });
    expect(inputs).toEqual({ values, generations });
    expect(failures).toEqual([]);
  });

  test("begin at 1 where there is no state", async () =>
    expect((await provider.check({}, { values: before.values })).inputs.generations).toEqual({ link: 1, db: 1 }));

  test("hold no trace of the values", async () => {
    const long = { values: { link: { KEY: "x".repeat(999) } } };
    expect((await provider.check(before, long)).inputs.generations).toEqual({ link: 2 });
  });
});

test.each([
  ["the same", before.generations, false],
  ["one that rises", { link: 2, db: 4 }, true],
  ["one that is gone", { link: 1 }, true],
])("an update follows from %s", async (_what, generations, changes) =>
  expect(await provider.diff("id", before, { ...before, generations })).toEqual({ changes }),
);
