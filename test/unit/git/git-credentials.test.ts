import { expect, test } from "vitest";
import { gitCredentialSettings, sshSettings, withoutLogins } from "../../../git/git-credentials.ts";

const token = { DELIVERY_GIT_TOKEN: "hunter2" };

test("without a token the user's own credential helpers are asked", () => {
  expect(gitCredentialSettings("https://github.com/acme/deploy.git", {})).toEqual([]);
  expect(gitCredentialSettings("https://github.com/acme/deploy.git", { DELIVERY_GIT_TOKEN: "" })).toEqual([]);
});

test("with a token it alone is used, for that host only, and stays in the environment", () => {
  const settings = gitCredentialSettings("https://github.com/acme/deploy.git", token);
  expect(settings.map(([key]) => key)).toEqual([
    "credential.https://github.com.helper",
    "credential.https://github.com.helper",
  ]);
  expect(settings[0]?.[1]).toBe("");
  expect(settings[1]?.[1]).toContain("$DELIVERY_GIT_TOKEN");
  expect(JSON.stringify(settings)).not.toContain("hunter2");
});

test.each([
  "http://127.0.0.1:3000/d.git",
  "http://localhost/d.git",
  "http://10.1.2.3/d.git",
  "http://172.20.0.1/d.git",
  "http://gitea.git.svc/d.git",
])("a token may go to %s", (url) => expect(gitCredentialSettings(url, token)).toHaveLength(2));

test.each(["http://github.com/d.git", "http://172.32.0.1/d.git", "http://10.example.com/d.git"])(
  "a token must not go to %s",
  (url) => expect(() => gitCredentialSettings(url, token)).toThrow(/would cross the network in plain text; use https/),
);

test("SSH never asks questions, and keeps what the user has set up", () => {
  const own = [["core.sshcommand", "ssh -i key"]] as const;
  expect(sshSettings("git@github.com:acme/deploy.git", {}, [["http.proxy", "http://proxy:3128"]])).toEqual([
    ["core.sshCommand", "ssh -o BatchMode=yes -o ConnectTimeout=20"],
  ]);
  expect(sshSettings("git@github.com:acme/deploy.git", {}, own)).toEqual([]);
  expect(sshSettings("ssh://git@github.com/acme/deploy.git", { GIT_SSH_COMMAND: "ssh -i key" }, [])).toEqual([]);
  expect(sshSettings("https://github.com/acme/deploy.git", {}, [])).toEqual([]);
});

test.each<[text: string, shown: string]>([
  ["https://github.com/acme/deploy.git", "https://github.com/acme/deploy.git"],
  ["https://ci:hunter2@github.com/acme/deploy.git", "https://github.com/acme/deploy.git"],
  ["https://ghp_hunter2@github.com/acme/deploy.git", "https://github.com/acme/deploy.git"],
  ["https://ci:hunter2@hunter2@github.com/acme", "https://github.com/acme"],
  ["two: http://a:hunter2@b/c 'HTTPS://hunter2@d'", "two: http://b/c 'HTTPS://d'"],
  ["ssh://git:hunter2@github.com/acme/deploy.git", "ssh://git@github.com/acme/deploy.git"],
  ["ssh://git@github.com/acme/deploy.git", "ssh://git@github.com/acme/deploy.git"],
  ["git@github.com:acme/deploy.git", "git@github.com:acme/deploy.git"],
  ["docker://registry.example/acme/link@sha256:12", "docker://registry.example/acme/link@sha256:12"],
])("%s is shown as %s", (text, shown) => expect(withoutLogins(text)).toBe(shown));
