import { parseArgs } from "node:util";
import { startProgress } from "../sandbox/progress.ts";
import { benchBuild } from "./build.ts";
import { benchChanges } from "./changes.ts";
import { printFigures } from "./figure.ts";
import { benchGitOps } from "./gitops.ts";
import { benchLoop } from "./loop.ts";
import { benchPreview } from "./preview.ts";
import { benchSandbox } from "./sandbox.ts";
import { benchTests } from "./tests.ts";

/** Measures what the documentation claims; `--cold` also builds all tools from nothing, which takes minutes. */
const { values } = parseArgs({ options: { cold: { type: "boolean", default: false } } });
const report = startProgress();
printFigures([
  ...(await benchPreview(report)),
  ...benchTests(report),
  ...benchChanges(report),
  ...(await benchBuild(report)),
  ...(await benchSandbox(report, values.cold)),
  ...(await benchGitOps(report)),
  ...(await benchLoop(report)),
]);
