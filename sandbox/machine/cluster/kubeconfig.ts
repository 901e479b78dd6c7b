import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writePrivate } from "../private-file.ts";

/** Who calls the API server, and with what rights. */
export const users = {
  admin: { user: "admin", groups: ["system:masters"] },
  "controller-manager": { user: "system:kube-controller-manager", groups: [] },
  scheduler: { user: "system:kube-scheduler", groups: [] },
  kubelet: { user: "system:node:sandbox", groups: ["system:nodes"] },
  proxy: { user: "system:kube-proxy", groups: [] },
  coredns: { user: "sandbox:coredns", groups: [] },
  // kwok plays kubelet and every controller of a node at once.
  kwok: { user: "sandbox:kwok", groups: ["system:masters"] },
} as const satisfies Record<string, { user: string; groups: readonly string[] }>;

export type UserName = keyof typeof users;

/**
 * One random token per user, made once and kept in a file of the API server's `--token-auth-file` format.
 *
 * @returns path of that file, and the token of each user
 */
export function ensureTokens(folder: string): { file: string; tokens: Record<UserName, string> } {
  const file = join(folder, "tokens.csv");
  const known = new Map(
    (existsSync(file) ? readFileSync(file, "utf8") : "").split("\n").flatMap((line) => {
      const [token, user] = line.split(",");
      return token && user ? [[user, token] as const] : [];
    }),
  );
  const entries = Object.entries(users).map(([name, { user, groups }]) => ({
    name,
    user,
    groups,
    token: known.get(user) ?? randomBytes(24).toString("hex"),
  }));
  writePrivate(
    file,
    entries.map(({ token, user, groups }) => `${token},${user},${user},"${groups.join(",")}"\n`).join(""),
  );
  // The entries are exactly those of `users`.
  return {
    file,
    tokens: Object.fromEntries(entries.map(({ name, token }) => [name, token])) as Record<UserName, string>,
  };
}

/** Writes a kubeconfig that holds all it needs (authority and token), readable by its owner only. */
export function writeKubeconfig(path: string, server: string, authority: string, token: string): string {
  const name = "delivery-sandbox";
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority-data": readFileSync(authority).toString("base64") } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
  // JSON is YAML.
  return writePrivate(path, `${JSON.stringify(config, null, 2)}\n`);
}
