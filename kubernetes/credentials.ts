import { readFileSync } from "node:fs";
import { outputOf } from "../core/process.ts";
import type { JsonMap } from "./json.ts";
import { listAt, mapAt, stringAt } from "./object.ts";

/** What proves to the API server who asks, beside a client certificate of the kubeconfig itself. */
export interface Credentials {
  authorization?: string;
  cert?: string;
  key?: string;
  /** Milliseconds since 1970; absent: they do not run out. */
  expires?: number;
}

/**
 * The credentials of a kubeconfig's user: a token, a token file, a password, or what its exec plugin prints.
 *
 * @throws Error naming the plugin that failed.
 */
export async function credentialsOf(
  user: JsonMap,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Credentials> {
  const token = stringAt(user, "token");
  if (token) return { authorization: `Bearer ${token}` };
  const tokenFile = stringAt(user, "tokenFile");
  // Such files are rotated: read again after a minute.
  if (tokenFile)
    return { authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}`, expires: Date.now() + 60_000 };
  const name = stringAt(user, "username");
  if (name)
    return { authorization: `Basic ${Buffer.from(`${name}:${stringAt(user, "password") ?? ""}`).toString("base64")}` };
  if (Object.hasOwn(user, "exec")) return await run(mapAt(user, "exec"), environment);
  if (Object.hasOwn(user, "auth-provider"))
    throw new Error(
      "the kubeconfig's user has an auth-provider, which Kubernetes has removed: use an exec plugin or a token.",
    );
  return {};
}

async function run(exec: JsonMap, environment: Readonly<Record<string, string | undefined>>): Promise<Credentials> {
  const command = stringAt(exec, "command") ?? "";
  const args = Array.isArray(exec["args"]) ? exec["args"].map(String) : [];
  const variables = listAt(exec, "env").map((entry) => [stringAt(entry, "name") ?? "", stringAt(entry, "value") ?? ""]);
  const info = JSON.stringify({
    apiVersion: exec["apiVersion"] ?? null,
    kind: "ExecCredential",
    spec: { interactive: false },
  });
  let status: JsonMap;
  try {
    const stdout = await outputOf(command, args, {
      env: { ...environment, ...Object.fromEntries(variables), KUBERNETES_EXEC_INFO: info },
      timeoutSeconds: 60,
    });
    // The plugin's contract is JSON with a status; a wrong shape is caught below.
    status = mapAt(JSON.parse(stdout) as JsonMap, "status");
  } catch (error) {
    const hint = stringAt(exec, "installHint");
    // A failed plugin's output may hold a credential: only how it ended is reported.
    const how = error instanceof Error && "code" in error ? String(error.code) : "no JSON";
    throw new Error(
      `the kubeconfig's exec plugin "${command}" failed (${how}).${hint ? ` ${hint}` : " Run it by hand to see why."}`,
      { cause: error },
    );
  }
  const token = stringAt(status, "token");
  const cert = stringAt(status, "clientCertificateData");
  const key = stringAt(status, "clientKeyData");
  const expires = Date.parse(stringAt(status, "expirationTimestamp") ?? "");
  return {
    ...(token ? { authorization: `Bearer ${token}` } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(Number.isNaN(expires) ? {} : { expires: expires - 10_000 }),
  };
}
