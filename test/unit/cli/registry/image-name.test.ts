import { expect, test } from "vitest";
import { locateImages } from "../../../../cli/registry/image-name.ts";

test.each([
  ["docker.io/acme/shop-link", { host: "docker.io", url: "https://registry-1.docker.io", name: "acme/shop-link" }],
  ["acme/shop-link", { host: "docker.io", url: "https://registry-1.docker.io", name: "acme/shop-link" }],
  ["postgres", { host: "docker.io", url: "https://registry-1.docker.io", name: "library/postgres" }],
  ["ghcr.io/acme/shop/link", { host: "ghcr.io", url: "https://ghcr.io", name: "acme/shop/link" }],
  ["localhost:5001/acme/shop-link", { host: "localhost:5001", url: "http://localhost:5001", name: "acme/shop-link" }],
  ["registry.example:5000/link", { host: "registry.example:5000", url: "https://registry.example:5000", name: "link" }],
])("%s is found where Docker finds it", (repository, location) => expect(locateImages(repository)).toEqual(location));
