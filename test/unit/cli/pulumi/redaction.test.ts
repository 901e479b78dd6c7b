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

const image = { image: "postgres:17-alpine", name: "postgres" };

test.each<[secret: string, input: unknown, shown: unknown]>([
  // Where it is a common word, a mask beside the rest of it would say which.
  ["postgres", image, image],
  [
    "shop",
    { namespace: "shop-dev", name: "shop", text: "the shop of shop-dev" },
    { namespace: "shop-dev", name: "shop", text: "the shop of shop-dev" },
  ],
  ["17-alpine", image, image],
  ["admin", "administrator admin is admin@example.com", "administrator admin is admin@example.com"],
  ["a", { a: "a banana" }, { a: "a banana" }],
  ["", image, image],
  // Where a property is a credential by its name, it is masked as a whole.
  ["postgres", { DB_PASSWORD: "postgres", DB_USER: "postgres" }, { DB_PASSWORD: "[secret]", DB_USER: "postgres" }],
  ["postgres", { password: "xpostgres:1" }, { password: "[secret]" }],
  ["pw", { env: [{ name: "DB_PASSWORD", value: "pw" }] }, { env: [{ name: "DB_PASSWORD", value: "[secret]" }] }],
  [
    "postgres",
    { args: ["--user", "postgres", "--password", "postgres"] },
    { args: ["--user", "postgres", "--password", "[secret]"] },
  ],
  ["shop", { secretName: "shop-tls", tokenPath: "/shop" }, { secretName: "shop-tls", tokenPath: "/shop" }],
  ["postgres", { tokens: ["postgres"] }, { tokens: ["[secret]"] }],
  ["postgres", { data: { x: "cG9zdGdyZXM=" } }, { data: { x: "[secret]" } }],
  // A text may say it, too.
  ["postgres", "postgres://postgres:postgres@db/postgres", "postgres://postgres:[secret]@db/postgres"],
  ["hunter2", "password 'hunter2' is wrong, user hunter2", "password '[secret]' is wrong, user hunter2"],
  ["a.b$", "--token=a.b$ --other=a.b$", "--token=[secret] --other=a.b$"],
  ["data", "Secret: data, secret: database", "Secret: [secret], secret: database"],
  // Nobody guesses these.
  ["Xk2-9fjs83", { image: "x/Xk2-9fjs83:1" }, { image: "x/[secret]:1" }],
  ["0123456789abcdef", "a0123456789abcdefz", "a[secret]z"],
])("a secret %j is not given away", (secret, input, shown) => {
  const { text, value } = redaction([secret]);
  expect(value(input)).toEqual(shown);
  if (typeof input === "string") expect(text(input)).toBe(shown);
});

test("what is published is not masked in place, however long", () => {
  const { value } = redaction(["a-long-name-of-a-user"], "username: a-long-name-of-a-user");
  expect(value({ user: "a-long-name-of-a-user", password: "a-long-name-of-a-user" })).toEqual({
    user: "a-long-name-of-a-user",
    password: "[secret]",
  });
});
