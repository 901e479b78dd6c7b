import { debianTools } from "../machine/tools/debian-tools.ts";
import { buildTools } from "../machine/tools/go-tools.ts";
import { tektonTools } from "../machine/tekton/tekton.ts";
import { sandboxTools } from "./start-sandbox.ts";
import type { Report } from "./progress.ts";

/** Brings all that is made once per machine into the cache: what `up` would make, and what only tests of the sandbox ask for. */
export async function provideTools(report: Report): Promise<void> {
  const onlyTested = ["traefik", "gateway-files", "rollouts-controller", "rollouts-files", ...tektonTools] as const;
  const names = [...sandboxTools({ pods: "auto", gitops: true }), ...onlyTested] as const;
  await Promise.all([buildTools(names, report), debianTools(report)]);
  report("All tools are in the cache", "end");
}
