import { expect, test } from "vitest";
import { withoutLogins } from "../../git/git-credentials.ts";

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
