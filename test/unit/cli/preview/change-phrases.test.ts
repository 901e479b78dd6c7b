import { expect, test } from "vitest";
import { describeChange } from "../../../../cli/preview/change-phrases.ts";

const list = (current: string) => ({ metadata: { name: "link.images" }, data: { current } });

test("what pods may have is said in words, and moves with the image", () => {
  expect(describeChange("ConfigMap", undefined, list("a"))).toEqual([
    "its pods are held to the images that are released",
  ]);
  expect(describeChange("ConfigMap", list("a"), undefined)).toEqual(["its pods may have any image"]);
  expect(describeChange("ConfigMap", list("a"), list("b"))).toEqual(["image"]);
});

test("another ConfigMap has variables", () => {
  const variables = (current: string) => ({ metadata: { name: "link" }, data: { current } });
  expect(describeChange("ConfigMap", variables("a"), variables("b"))).toEqual(["env current a → b"]);
});
