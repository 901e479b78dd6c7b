/**
 * One command of a checkout's sandbox in a process of its own, as npm runs it:
 * `node bench/sandbox-once.ts up|down|memory CHECKOUT STATEDIR`. `memory` prints the bytes of all its processes.
 */
import { join, resolve } from "node:path";
import type { down as downHere } from "../sandbox/commands/down.ts";
import type { up as upHere } from "../sandbox/commands/up.ts";
import type { listProcesses as listHere } from "../sandbox/machine/process.ts";

const [action, checkout = "", state = ""] = process.argv.slice(2);
const stateDir = resolve(state);
process.chdir(checkout);
const report = (line: string): void => console.error(line);
const load = (path: string): Promise<unknown> => import(join(process.cwd(), "sandbox", path));

// Each checkout has its own, with the interface of this one.
switch (action) {
  case "up": {
    const { up } = (await load("commands/up.ts")) as { up: typeof upHere };
    await up({ stateDir, pods: "auto", report });
    break;
  }
  case "down": {
    const { down } = (await load("commands/down.ts")) as { down: typeof downHere };
    await down({ stateDir, purge: false, report });
    break;
  }
  case "memory": {
    const { listProcesses } = (await load("machine/process.ts")) as { listProcesses: typeof listHere };
    console.log(listProcesses(stateDir).reduce((sum, { residentBytes }) => sum + residentBytes, 0));
    break;
  }
  default:
    throw new Error(`${JSON.stringify(action)}: must be up, down or memory`);
}
