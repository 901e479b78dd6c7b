import { join } from "node:path";
import { measureAdmission } from "../../bench/admission.ts";
import { measureBuilds } from "../../bench/build.ts";
import { benchFirstUpdate } from "../../bench/first-update.ts";
import { benchPreview } from "../../bench/preview.ts";
import { benchScale } from "../../bench/scale.ts";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { smokeBenchmarks } from "../support/benchmark-smoke.ts";
import { enterSandbox } from "../support/sandbox-harness.ts";

const report = (): void => undefined;

smokeBenchmarks("integration", {
  preview: () => benchPreview(report, 1),
  scale: () => benchScale(report, { rounds: 1, services: 4, fewServices: 2 }),
  "first-update": () => benchFirstUpdate(report, { services: 4, fewServices: 2 }),
  admission: async () => {
    const { kubernetes } = await enterSandbox();
    return await measureAdmission(kubernetes, { services: 3, digests: 2, rounds: 3 });
  },
  // Of the sandbox's own BuildKit, whose layers the other tests want to keep.
  build: async () => {
    const { sandbox, credentials } = await enterSandbox();
    const { registryHost } = sandbox.endpoints;
    const location = {
      buildKit: await sandbox.docker.buildKit(),
      registryHost,
      password: credentials.registryPassword,
    };
    using directory = temporaryDirectory("delivery-bench-build-");
    return await measureBuilds(join(directory.path, "shop"), location, report, false);
  },
});
