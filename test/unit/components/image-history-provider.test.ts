import { describe, expect, test } from "vitest";
import { imageHistoryProvider as provider } from "../../../components/image-history-provider.ts";

const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const before = { images: { link: ["b"] }, history: { link: ["b", "a"] } };

describe("the history of images", () => {
  test.each<[what: string, images: Record<string, readonly string[]>, history: Record<string, unknown>]>([
    ["stays where nothing changes", { link: ["b"] }, { link: ["b", "a"] }],
    ["has a new image first", { link: ["c"] }, { link: ["c", "b", "a"] }],
    ["brings back one of before", { link: ["a"] }, { link: ["a", "b"] }],
    ["keeps what is not there any more", { link: [] }, { link: ["b", "a"] }],
    ["begins for one more", { link: ["b"], user: ["x"] }, { link: ["b", "a"], user: ["x"] }],
    ["goes with its pods", {}, {}],
    ["has what only the update will know", { link: [unknown] }, { link: [unknown, "b", "a"] }],
  ])("%s", async (_what, images, history) => {
    const { inputs, failures } = await provider.check(before, { images });
    expect(inputs).toEqual({ images, history });
    expect(failures).toEqual([]);
  });

  test("begins with the images where there is no state", async () =>
    expect((await provider.check({}, { images: before.images })).inputs.history).toEqual({ link: ["b"] }));

  test("keeps nine beside those of now", async () => {
    const history = { link: Array.from({ length: 12 }, (_, index) => `image-${index}`) };
    const { inputs } = await provider.check({ history }, { images: { link: ["new", "image-0"] } });
    expect(inputs.history["link"]).toEqual(["new", "image-0", ...history.link.slice(1, 10)]);
  });

  test("a change of the images alone is one", async () => {
    expect(await provider.diff("", before, { ...before, images: { link: ["other"] } })).toEqual({ changes: false });
    expect(await provider.diff("", before, { ...before, history: { link: ["c"] } })).toEqual({ changes: true });
  });
});
