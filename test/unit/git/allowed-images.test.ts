import { expect, test } from "vitest";
import { migrationImages, previousImages, previousImagesAfter } from "../../../git/allowed-images.ts";

const image = (digit: string): string => `docker.io/acme/shop-link@sha256:${digit.repeat(64)}`;

test("what ran before a release may still start, the newest first", () => {
  const first = previousImagesAfter(previousImages([]), image("a"), image("b"));
  expect(first)
    .toBe(`# What ran before, and may still start. Written by \`delivery release\`, \`promote\`, \`rollback\` and \`watch\`.
apiVersion: "v1"
kind: "ConfigMap"
metadata:
  name: "previous"
data:
  previous-1: "${image("a")}"
`);
  expect(previousImagesAfter(first, image("b"), image("c"))).toBe(previousImages([image("b"), image("a")]));
});

test("a rollback makes what it takes away a previous one, and what it brings back none", () => {
  const before = previousImages([image("a"), image("9")]);
  expect(previousImagesAfter(before, image("b"), image("a"))).toBe(previousImages([image("b"), image("9")]));
});

test("nothing is before the first release", () => {
  expect(previousImagesAfter(previousImages([]), undefined, image("a"))).toBe(previousImages([]));
});

test("nine are kept", () => {
  const digits = "123456789".split("");
  const full = previousImages(digits.map(image));
  expect(previousImagesAfter(full, image("a"), image("b"))).toBe(
    previousImages(["a", ...digits.slice(0, 8)].map(image)),
  );
});

test.each(["", "data: [", "data: 3\n", "- a\n"])("what cannot be read (%j) counts as nothing", (text) => {
  expect(previousImagesAfter(text, image("a"), image("b"))).toBe(previousImages([image("a")]));
});

test("the image of a migration stands in a ConfigMap where its Job is", () => {
  const labels = { "app.kubernetes.io/name": "link-migration" };
  const template = { metadata: { name: "link-migration", namespace: "shop-dev", labels } };
  expect(migrationImages(template, "link-migration", image("a")))
    .toBe(`# What the migration may run. Written with its Job.
apiVersion: "v1"
kind: "ConfigMap"
metadata:
  name: "link-migration.images"
  namespace: "shop-dev"
  labels:
    app.kubernetes.io/name: "link-migration"
data:
  current: "${image("a")}"
`);
});
