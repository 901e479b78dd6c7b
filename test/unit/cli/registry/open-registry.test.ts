import { expect, test } from "vitest";
import { givenLogin } from "../../../../cli/registry/open-registry.ts";

test.each<[what: string, environment: Record<string, string>, username: string | undefined]>([
  ["CI's contexts", { DOCKERHUB_USERNAME: "ci", DOCKERHUB_PASSWORD: "x" }, "ci"],
  [
    "the CLI's own variables before those of CI",
    {
      DELIVERY_REGISTRY_USERNAME: "own",
      DELIVERY_REGISTRY_PASSWORD: "x",
      DOCKERHUB_USERNAME: "ci",
      DOCKERHUB_PASSWORD: "x",
    },
    "own",
  ],
  [
    "nobody where the password is empty, as in a fork's pipeline",
    { DOCKERHUB_USERNAME: "ci", DOCKERHUB_PASSWORD: "" },
    undefined,
  ],
])("the login is that of %s", async (_what, environment, username) => {
  expect((await givenLogin({}, { environment, input: () => Promise.resolve("") }))?.username).toBe(username);
});
