import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { githubTokenVariable } from "../../cli/github/connection.ts";
import { parsedJson } from "../../core/json.ts";
import { startDelivery } from "../../test/e2e/support/delivery-command.ts";
import type { Statement } from "./agreement.ts";
import type { Scenario } from "./scenario.ts";
import { environment, type Shop } from "./shop.ts";

const verifiedSchema = z.object({
  services: z.array(z.object({ digest: z.string(), state: z.enum(["passed", "failed", "pending", "superseded"]) })),
});

/** How long a schedule waits between two looks, and a job that was killed until it is started again; in milliseconds. */
const pause = 1_000;

/** Whoever has images prove themselves: runs of `delivery verify`, one after the other, until it is disposed of. */
export class Waiter implements AsyncDisposable {
  /** What all runs have said that came to an end. */
  readonly statements: Statement[] = [];
  readonly #shop: Shop;
  readonly #args: readonly string[];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #child: ReturnType<typeof startDelivery> | undefined;

  constructor(shop: Shop, mode: Scenario["waiter"]) {
    this.#shop = shop;
    this.#args = ["--env", environment, "--json", "--wait", mode === "waits" ? "60s" : "0s"];
    this.#ended = this.#run();
  }

  /** Kills the run that goes on now, if one does; the next one follows. */
  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  async #run(): Promise<void> {
    const { harness, target } = this.#shop;
    const token = { [githubTokenVariable]: harness.credentials.githubToken };
    while (!this.#stop.signal.aborted) {
      const child = startDelivery(harness, target, "verify", this.#args, token);
      this.#child = child;
      const [output] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        new Promise((done) => child.once("close", done)),
      ]);
      this.statements.push(...(verifiedSchema.safeParse(parsedJson(output)).data?.services ?? []));
      await sleep(pause, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.kill();
    await this.#ended;
  }
}
