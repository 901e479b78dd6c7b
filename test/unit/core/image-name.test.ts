import { expect, test } from "vitest";
import { locateImages, normalImageName, repositoryOfReference } from "../../../core/image-name.ts";

test.each([
  ["docker.io/acme/shop-link", { host: "docker.io", url: "https://registry-1.docker.io", name: "acme/shop-link" }],
  ["acme/shop-link", { host: "docker.io", url: "https://registry-1.docker.io", name: "acme/shop-link" }],
  ["postgres", { host: "docker.io", url: "https://registry-1.docker.io", name: "library/postgres" }],
  ["ghcr.io/acme/shop/link", { host: "ghcr.io", url: "https://ghcr.io", name: "acme/shop/link" }],
  ["localhost:5001/acme/shop-link", { host: "localhost:5001", url: "http://localhost:5001", name: "acme/shop-link" }],
  ["registry.example:5000/link", { host: "registry.example:5000", url: "https://registry.example:5000", name: "link" }],
])("%s is found where Docker finds it", (repository, location) => expect(locateImages(repository)).toEqual(location));

test.each([
  ["acme/shop-link", "docker.io/acme/shop-link"],
  ["docker.io/acme/shop-link", "docker.io/acme/shop-link"],
  ["index.docker.io/acme/shop-link", "docker.io/acme/shop-link"],
  ["Docker.io/acme/shop-link", "docker.io/acme/shop-link"],
  ["Registry.Example:5000/shop-link", "registry.example:5000/shop-link"],
  ["shop-link", "docker.io/library/shop-link"],
  ["docker.io/shop-link", "docker.io/library/shop-link"],
  ["docker.io/library/shop-link", "docker.io/library/shop-link"],
  ["localhost/shop-link", "localhost/shop-link"],
  ["localhost:5001/acme/shop-link", "localhost:5001/acme/shop-link"],
  ["[::1]:5001/acme/shop-link", "[::1]:5001/acme/shop-link"],
  ["ghcr.io/acme/shop/link", "ghcr.io/acme/shop/link"],
  ["quay.io/a_b/c__d.e-f", "quay.io/a_b/c__d.e-f"],
  ["Acme/shop-link", undefined],
  ["https://docker.io/acme/shop-link", undefined],
  ["acme/shop:1-link", undefined],
  ["acme//shop-link", undefined],
  ["acme/shop@sha256-link", undefined],
  ["/shop-link", undefined],
  ["acme/shop link", undefined],
  ["acme/-link", undefined],
])("the one form of %s is %s", (name, normal) => expect(normalImageName(name)).toBe(normal));

test.each([
  ["acme/shop-link", "acme/shop-link"],
  ["acme/shop-link:1.2", "acme/shop-link"],
  ["localhost:5001/shop-link", "localhost:5001/shop-link"],
  ["localhost:5001/shop-link:1.2", "localhost:5001/shop-link"],
  [`localhost:5001/shop-link@sha256:${"a".repeat(64)}`, "localhost:5001/shop-link"],
  [`[::1]:5001/shop-link:1.2@sha256:${"a".repeat(64)}`, "[::1]:5001/shop-link"],
  ["shop-link:latest", "shop-link"],
])("the repository of %s is %s", (reference, repository) => expect(repositoryOfReference(reference)).toBe(repository));
