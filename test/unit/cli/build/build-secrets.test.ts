import { expect, test } from "vitest";
import { buildctl, buildxArguments, type ImageBuild } from "../../../../cli/build/builders.ts";
import { missingSecrets, onlyBuildSecrets, secretMask, secretVariables } from "../../../../cli/build/build-secrets.ts";

const service = { build: { secrets: { npm_token: "npm-token", "pip.conf": "pip.conf" } } };
const variables = { npm_token: "DELIVERY_BUILD_SECRET_NPM_TOKEN", "pip.conf": "DELIVERY_BUILD_SECRET_PIP_CONF" };

test("a secret of the stack has one variable, whichever build takes it", () => {
  expect(secretVariables(service)).toEqual(variables);
  expect(secretVariables({})).toEqual({});
});

test("what is not there, or empty, is named with its variable, and its value is not", () => {
  const there = { DELIVERY_BUILD_SECRET_NPM_TOKEN: "hunter2" };
  expect(missingSecrets(service, { ...there, DELIVERY_BUILD_SECRET_PIP_CONF: "hunter3" })).toBeUndefined();
  expect(missingSecrets(service, { ...there, DELIVERY_BUILD_SECRET_PIP_CONF: "" })).toBe(
    "its build takes the secret pip.conf, and DELIVERY_BUILD_SECRET_PIP_CONF is not set",
  );
  expect(missingSecrets(service, {})).toBe(
    "its build takes the secrets npm_token, pip.conf, and DELIVERY_BUILD_SECRET_NPM_TOKEN, DELIVERY_BUILD_SECRET_PIP_CONF is not set",
  );
});

test("a build sees its own secrets alone", () => {
  const environment = { PATH: "/bin", DELIVERY_BUILD_SECRET_A: "a", DELIVERY_BUILD_SECRET_B: "b" };
  expect(onlyBuildSecrets(environment, ["DELIVERY_BUILD_SECRET_B"])).toEqual({
    PATH: "/bin",
    DELIVERY_BUILD_SECRET_B: "b",
  });
  expect(onlyBuildSecrets(environment)).toEqual({ PATH: "/bin" });
});

test("arguments name the variable, and never hold its value", () => {
  const build: ImageBuild = {
    service: "web",
    repository: "docker.io/acme/shop-web",
    tags: ["1"],
    context: "/shop",
    dockerfile: "/shop/Dockerfile",
    platforms: ["linux/amd64"],
    secrets: variables,
    push: true,
  };
  const named = [
    "--secret=id=npm_token,type=env,env=DELIVERY_BUILD_SECRET_NPM_TOKEN",
    "--secret=id=pip.conf,type=env,env=DELIVERY_BUILD_SECRET_PIP_CONF",
  ];
  const isSecret = (argument: string): boolean => argument.startsWith("--secret");
  expect(buildctl("").command(build, "/m").args.filter(isSecret)).toEqual(named);
  expect(buildxArguments(build, "/m", "registry").filter(isSecret)).toEqual(named);
});

test("what a step writes is shown without the secret, each line of it", () => {
  const environment = { A: "correct-horse-battery\r\n  staple-of-the-stable  \n", B: "short" };
  const mask = secretMask(["A", "B", "C"], environment);
  expect(mask("+ echo correct-horse-battery")).toBe("+ echo [secret]");
  expect(mask("staple-of-the-stable!")).toBe("[secret]!");
  // Of a short one, only what says of itself that it is a credential.
  expect(mask("a short story, token=short")).toBe("a short story, token=[secret]");
});
