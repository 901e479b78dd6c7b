import { expect, test } from "vitest";
import { imagesIn, spelledAsIn } from "../../../git/manifest-images.ts";

const digest = `sha256:${"a".repeat(64)}`;
const directory = "dev/link";

test.each<[what: string, text: string, images: string[]]>([
  ["a Deployment", "kind: Deployment\nspec: {template: {spec: {containers: [{name: a, image: x}]}}}", ["x"]],
  ["a Pod with others before it", "spec: {initContainers: [{image: y}], containers: [{image: x}]}", ["y", "x"]],
  [
    "a CronJob",
    "spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: 'x:1'}, {image: z}]}}}}}",
    ["x:1", "z"],
  ],
  ["several documents", "kind: A\n---\nspec: {containers: [{image: x}]}\n---\n", ["x"]],
  ["a type's definition", "kind: CustomResourceDefinition\nspec: {containers: [{image: x}]}", []],
  ["an image elsewhere", "spec: {image: x, containers: {image: y}}", []],
  ["no image", "spec: {containers: [{name: a}, 1, null]}", []],
  ["no text", "", []],
  ["no object", "- 1", []],
  ["no YAML", "a: [", []],
])("of %s, kustomize finds the images", (_what, text, images) => {
  expect(imagesIn(text)).toEqual(images);
});

test.each<[manifest: string, repository: string, written: string | undefined]>([
  ["docker.io/acme/shop-link", "docker.io/acme/shop-link", "docker.io/acme/shop-link"],
  [`docker.io/acme/shop-link@${digest}`, "docker.io/acme/shop-link", "docker.io/acme/shop-link"],
  [`docker.io/acme/shop-link:1.2@${digest}`, "docker.io/acme/shop-link", "docker.io/acme/shop-link"],
  // Names that are the same to Docker, and not to kustomize: the record has the manifest's.
  ["acme/shop-link:1.2", "docker.io/acme/shop-link", "acme/shop-link"],
  ["index.docker.io/acme/shop-link", "docker.io/acme/shop-link", "index.docker.io/acme/shop-link"],
  ["docker.io/acme/shop-link", "acme/shop-link", "docker.io/acme/shop-link"],
  ["shop-link", "docker.io/library/shop-link", "shop-link"],
  ["docker.io/shop-link", "docker.io/library/shop-link", "docker.io/shop-link"],
  ["Registry.Example:5000/shop-link:v1", "registry.example:5000/shop-link", "Registry.Example:5000/shop-link"],
  ["localhost:5001/acme/shop-link", "localhost:5001/acme/shop-link", "localhost:5001/acme/shop-link"],
  ["docker.io/acme/shop-web", "docker.io/acme/shop-link", undefined],
  ["docker.io/acme/shop-link", "docker.io/acme/shop", undefined],
  ["docker.io/acme/shop", "docker.io/acme/shop-link", undefined],
  ["ghcr.io/acme/shop-link", "docker.io/acme/shop-link", undefined],
  ["localhost:5001/acme/shop-link", "localhost:5002/acme/shop-link", undefined],
  ["registry.example/acme/shop-link", "registry.example:443/acme/shop-link", undefined],
  // Kustomize takes the brackets for a choice of characters.
  ["[::1]:5001/acme/shop-link", "[::1]:5001/acme/shop-link", undefined],
])("where the manifests run %s, a release of %s is recorded as %s", (manifest, repository, written) => {
  const known = { directory, images: ["docker.io/library/busybox:1", manifest] };
  const spelled = spelledAsIn({ repository, digest }, known);
  if (written === undefined) {
    expect(spelled).toEqual({
      problem: expect.stringMatching(/^dev\/link runs docker\.io\/library\/busybox, .* would change nothing there$/),
    });
  } else expect(spelled).toEqual({ repository: written, digest });
});

test("before there are manifests, nothing is compared", () => {
  expect(spelledAsIn({ repository: "docker.io/acme/shop-link", digest }, undefined)).toEqual({
    repository: "docker.io/acme/shop-link",
    digest,
  });
});
