import { describe, expect, test } from "vitest";
import { migrationRefusal } from "../../../../components/service/migrations.ts";

describe("an environment can have migrations", () => {
  const file = "stacks/Pulumi.dev.yaml";
  const asked = { environment: { DELIVERY_KUBECONFIG: "kubeconfig" } };
  test.each<[what: string, args: Parameters<typeof migrationRefusal>[1], refusal: RegExp]>([
    ["where this program applies them itself", { delivery: "direct", ci: { environment: {} } }, /^undefined$/],
    ["where CI may ask the cluster", { delivery: "gitops", gitops: { release: "commit" }, ci: asked }, /^undefined$/],
    [
      "but not where Image Updater releases",
      { delivery: "gitops", gitops: { release: "registry-watch" }, ci: asked },
      /^Argo CD Image Updater, .*\(gitops\.release of stacks\/Pulumi\.dev\.yaml\); set that to commit$/,
    ],
    [
      "but not where CI may not ask",
      { delivery: "gitops", gitops: { release: "commit" }, ci: { environment: {} } },
      /^CI asks .* set ci\.environment\.DELIVERY_KUBECONFIG of stacks\/Pulumi\.dev\.yaml to the name of a secret/,
    ],
  ])("%s", (_what, args, refusal) => expect(String(migrationRefusal(file, args))).toMatch(refusal));
});
