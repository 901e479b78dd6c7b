import { expect, test } from "vitest";
import { githubName } from "../../../../cli/init/repository.ts";

test.each([
  ["https://github.com/acme/shop.git", "acme/shop"],
  ["https://github.com/acme/shop", "acme/shop"],
  ["https://token@github.com/acme/my.shop.git/", "acme/my.shop"],
  ["git@github.com:acme/shop.git", "acme/shop"],
  ["ssh://git@github.com:22/acme/shop.git", "acme/shop"],
  ["git://github.com/acme/shop", "acme/shop"],
  ["https://gitlab.com/acme/shop.git", undefined],
  ["../shop.git", undefined],
  [undefined, undefined],
])("the repository of the remote %s is %s", (remote, name) => expect(githubName(remote)).toBe(name));
