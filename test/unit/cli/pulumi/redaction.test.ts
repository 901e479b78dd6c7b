import { expect, test } from "vitest";
import { redaction, secretTexts } from "../../../../cli/pulumi/redaction.ts";
import { formsOf } from "../../../support/secret-watch.ts";

const canary = "canary-8e1c5b77aa01";

test("a secret is taken out of a text in any form and at any offset", () => {
  const { text } = redaction([canary]);
  const shifted = ["", "a", "ab"].map((before) => Buffer.from(`${before}${canary}:rest`).toString("base64"));
  const forms = [canary, ...shifted, encodeURIComponent(canary), Buffer.from(canary).toString("hex")];
  for (const form of forms) {
    const clean = text(`before ${form} after`);
    expect(clean).toContain("[secret]");
    expect(formsOf(canary).filter((one) => clean.includes(one))).toEqual([]);
  }
});

test("of a secret in several lines each long word counts, and of one in JSON each text", () => {
  const kubeconfig = `apiVersion: v1\nusers:\n  - token: "${canary}-long-enough"\n`;
  expect(redaction([kubeconfig]).text(`x ${canary}-long-enough`)).toBe("x [secret]");
  expect(redaction([kubeconfig]).text("apiVersion: v1")).toBe("apiVersion: v1");
  expect(redaction(secretTexts([JSON.stringify({ db: { password: canary } })], {})).value({ a: [canary, 1] })).toEqual({
    a: ["[secret]", 1],
  });
});

test("credentials in the environment are known by their names", () => {
  const environment = {
    DELIVERY_GIT_TOKEN: "a1",
    DOCKERHUB_PASSWORD: "b2",
    PATH: "/bin",
    PULUMI_CONFIG_PASSPHRASE_FILE: "/f",
    GIT_AUTHOR_NAME: "x",
    EMPTY_TOKEN: "",
  };
  expect(secretTexts([], environment)).toEqual(["a1", "b2"]);
});
