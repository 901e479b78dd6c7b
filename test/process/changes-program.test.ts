import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { SourceCheckout } from "../source-checkout.ts";

test("this program, where it is in the monorepo, is no part of the images that copy everything", () => {
  using checkout = new SourceCheckout();
  checkout.commit({
    "infra/stacks/Pulumi.dev.yaml": `config:
  delivery:schemaVersion: 1
  delivery:app: { name: shop, directory: .. }
  delivery:images: { organization: acme, username: ci, source: registry, context: app }
  delivery:gitops: { repository: https://git.example/acme/deploy.git }
`,
    "svc/user/Dockerfile": "FROM python\nCOPY . .\nEXPOSE 7070\n",
    "svc/link/Dockerfile": "FROM python\nCOPY infra/certificates svc/link ./\nEXPOSE 7070\n",
  });
  const changes = (files: Record<string, string>): string => {
    checkout.commit(files);
    const { stdout, stderr } = spawnSync(process.execPath, [resolve("cli/main.ts"), "changes", "--from", "HEAD~1"], {
      cwd: join(checkout.root, "infra"),
      encoding: "utf8",
    });
    return stdout + stderr;
  };
  expect(changes({ "infra/index.ts": "1", "infra/package-lock.json": "1" })).toBe("no service changed\n");
  expect(changes({ "infrastructure/x": "1" })).toBe("user  infrastructure/x\n");
  expect(changes({ "infra/certificates/ca.pem": "1" })).toBe("link  infra/certificates/ca.pem\n");
});
