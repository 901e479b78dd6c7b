import { expect, test } from "vitest";
import { findEnvironment } from "../../../../cli/project/environment.ts";
import { Project } from "../../../../cli/project/stack-file.ts";

const repository = "https://git.example/acme/deploy.git";

test("comes from the stack file; options go first", () => {
  const environment = findEnvironment(new Project(), "dev", { repository, branch: "next" });
  expect(environment).toMatchObject({ name: "dev", directory: "dev", repository, branch: "next" });
  expect(environment.imagesOf("link")).toBe("docker.io/delinkcious/delinkcious-link");
  expect(findEnvironment(new Project(), "dev", { repository, images: "ghcr.io/acme/shop" }).imagesOf("link")).toBe(
    "ghcr.io/acme/shop-link",
  );
});

test("needs no stack file where the options say enough", () => {
  const environment = findEnvironment(new Project(), "qa", { repository, images: "ghcr.io/acme/shop" });
  expect(environment).toMatchObject({ name: "qa", directory: "qa", repository, branch: "main", stableTag: undefined });
});

test.each<[fault: string, name: string, flags: Parameters<typeof findEnvironment>[2], reason: RegExp]>([
  [
    "no stack file",
    "qa",
    { repository },
    /there is no stacks\/Pulumi\.qa\.yaml in .*; run this where the stack files are, or give --repository and --images/,
  ],
  ["a path", "../dev", {}, /--env "\.\.\/dev" is not the name of an environment/],
  [
    "a credential in the URL",
    "dev",
    { repository: "https://hunter2@git.example/d.git" },
    /the URL of the deploy repository has a credential in it/,
  ],
  ["an impossible branch", "dev", { repository, branch: "-f" }, /--branch: "-f" is not the name of a branch/],
])("%s is refused", (_fault, name, flags, reason) => {
  expect(() => findEnvironment(new Project(), name, flags)).toThrow(reason);
  expect(() => findEnvironment(new Project(), name, flags)).not.toThrow(/hunter2/);
});
