import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { ensureTokens, writeKubeconfig } from "../../../../../sandbox/machine/cluster/kubeconfig.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kubeconfig-test-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("every user has a token of its own, which stays", () => {
  const { file, tokens } = ensureTokens(folder);
  const values = Object.values(tokens);
  expect(new Set(values).size).toBe(values.length);
  expect(values.every((token) => /^[0-9a-f]{48}$/.test(token))).toBe(true);
  expect(readFileSync(file, "utf8")).toContain(
    `${tokens.kubelet},system:node:sandbox,system:node:sandbox,"system:nodes"\n`,
  );
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(ensureTokens(folder).tokens).toEqual(tokens);
});

test("a user that is new gets a token, the others keep theirs", () => {
  const { file, tokens } = ensureTokens(folder);
  const lines = readFileSync(file, "utf8").split("\n");
  writeFileSync(file, lines.filter((line) => !line.includes("sandbox:kwok")).join("\n"));
  const again = ensureTokens(folder).tokens;
  expect({ ...again, kwok: "" }).toEqual({ ...tokens, kwok: "" });
  expect(again.kwok).not.toBe(tokens.kwok);
});

test("a kubeconfig holds all that a client needs, for its owner only", () => {
  const authority = join(folder, "ca.crt");
  writeFileSync(authority, "PEM");
  const path = writeKubeconfig(join(folder, "sub", "kubeconfig"), "https://10.64.0.1:6443", authority, "secret-token");
  const content: unknown = parse(readFileSync(path, "utf8"));
  expect(content).toMatchObject({
    kind: "Config",
    clusters: [
      {
        cluster: {
          server: "https://10.64.0.1:6443",
          "certificate-authority-data": Buffer.from("PEM").toString("base64"),
        },
      },
    ],
    users: [{ user: { token: "secret-token" } }],
    "current-context": "delivery-sandbox",
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
