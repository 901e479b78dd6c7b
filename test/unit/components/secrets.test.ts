import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { describe, expect, test } from "vitest";
import { secretValues } from "../../../components/secrets.ts";
import { declareStack, stacks, stackSecrets } from "../../support/declared-stack.ts";
import { hideSecrets } from "../../support/mock-engine.ts";

describe("secretValues", () => {
  const secrets = new Map([["token", pulumi.secret("hunter2")]]);
  test("gives each variable the output of its secret, still secret", async () => {
    const values = secretValues(secrets, { KEY: "token", SAME_KEY: "token" });
    expect(Object.keys(values)).toEqual(["KEY", "SAME_KEY"]);
    for (const output of Object.values(values))
      expect([await pulumi.isSecret(output), output === secrets.get("token")]).toEqual([true, true]);
  });
  test("refuses a secret that is not there: its variable would be empty", () => {
    expect(() => secretValues(secrets, { KEY: "tokn" })).toThrow('the stack has no secret "tokn" for KEY');
  });
});

/** What components register as their outputs, which land in the state like their inputs. */
function componentOutputs(): string {
  const monitor = pulumi.runtime.getMonitor();
  if (!(monitor instanceof MockMonitor)) throw new Error("no mocks are set");
  const components = [...monitor.getRegisteredResources().values()].filter(
    ({ urn }) => urn.includes("::delivery:") && !urn.includes("$"),
  );
  // The outputs of components are the engine's own structure; those of others are plain.
  return JSON.stringify(
    components.map(({ state }) =>
      typeof state.toJavaScript === "function" ? hideSecrets(state.toJavaScript()) : state,
    ),
  );
}

const { secrets, ...ofThePipeline } = stackSecrets;
const databases = ["link-db-password", "user-db-password", "social-graph-db-password"];
const usedBy: Record<string, readonly string[]> = {
  sandbox: [
    "token-secret",
    "deploy-token",
    "previews-token",
    "github-token",
    "pulumi-passphrase",
    "pulumi-backend",
    "registry-user",
    "registry-password",
  ],
  dev: [...databases, "pull-token", "token-secret"],
  staging: [...databases, "pull-token", "token-secret"],
  prod: [...databases, "pull-token", "token-secret"],
};

describe.each(stacks)("in the %s stack", async (stack) => {
  const resources = await declareStack(stack);
  const everything = JSON.stringify(resources);
  const visible = JSON.stringify(hideSecrets(resources)) + componentOutputs();
  const base64 = (text: string): string => Buffer.from(text).toString("base64");

  test("the secrets that it uses arrive, and no others", () => {
    for (const value of Object.values(ofThePipeline)) expect(everything).toContain(value);
    const arrived = Object.entries(secrets).filter(([, value]) => everything.includes(value));
    expect(arrived.map(([name]) => name)).toEqual(usedBy[stack]);
  });

  test.each([...Object.values(ofThePipeline), ...Object.values(secrets)])(
    "%s shows outside of secret envelopes in no form",
    (value) => {
      expect(visible).not.toContain(value);
      expect(visible).not.toContain(base64(value));
      expect(visible).not.toContain(encodeURIComponent(value));
    },
  );

  test("the login in the pull secret does not show either", () => {
    // Of the two thirds of base64's alignments that hide the password above, this is the one in use.
    expect(everything).toMatch(/"auth\\":\\"[A-Za-z0-9+/=]+/);
    expect(visible).not.toMatch(/"auth\\?"/);
  });

  test("no component gets anything secret: its arguments are to be read by everybody", () => {
    const components = Object.entries(resources).filter(([urn]) => urn.startsWith("delivery:") && !urn.includes("$"));
    expect(components.length).toBeGreaterThan(3);
    for (const [urn, inputs] of components) expect([urn, hideSecrets(inputs)]).toEqual([urn, inputs]);
    expect(componentOutputs()).toContain("delinkcious");
  });
});
