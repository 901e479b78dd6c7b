import { expect, test } from "vitest";
import { imageOwners } from "../../../../cli/init/image-owners.ts";

const dockerfiles = [
  { path: "svc/cart/Dockerfile", names: ["cart"] },
  { path: "svc/cart-worker/Dockerfile", names: ["cart-worker"] },
  { path: "one/api/Dockerfile", names: ["api"] },
  { path: "two/api/Dockerfile", names: ["api"] },
  { path: "Dockerfile", names: ["web"] },
];

test.each([
  ["cart", "svc/cart/Dockerfile"],
  ["ghcr.io/acme/Cart", "svc/cart/Dockerfile"],
  ["acme/shop-cart", "svc/cart/Dockerfile"],
  ["acme/big_shop_cart", "svc/cart/Dockerfile"],
  ["acme/shop-cart-worker", "svc/cart-worker/Dockerfile"],
  ["acme/shop", "Dockerfile"],
  ["acme/shop-server", "Dockerfile"],
  ["acme/api", undefined],
  ["acme/mycart", undefined],
  ["other/thing", undefined],
])("the image %s is made by %s", (image, path) => {
  expect(imageOwners([image], dockerfiles, "shop").get(image)).toBe(path);
});
