/**
 * An `up` in a process of its own, for tests that kill it:
 * `node up-process.ts STATE_DIRECTORY NAME MONOREPO CIRCLECI_URL`
 */
import { startSandbox } from "../../../sandbox/commands/start-sandbox.ts";
import { circleCiEndpoint } from "../../../sandbox/machine/endpoints.ts";
import { openPipeline } from "../../support/pipeline.ts";

const [stateDir = "", name = "", directory = "", url = ""] = process.argv.slice(2);
const sandbox = await startSandbox({ stateDir, delivery: "direct", report: () => undefined });
const circleci = { ...circleCiEndpoint(sandbox.endpoints), url };
await openPipeline({ sandbox, stateDir, name, directory }).run("up", { endpoints: { circleci } });
