import { mkdirSync } from "node:fs";
import type { BesideServer } from "./beside.ts";
import { startServer } from "./server-process.ts";

const port = 6379;

/** Redis's protocol by the server that the sandbox's Argo CD uses, too. */
export function redis(program: string | undefined): BesideServer {
  return {
    port,
    start: async (options) => {
      if (program === undefined)
        throw new Error(`image ${options.image.image}: the sandbox has built no Redis; it does with delivery: gitops`);
      mkdirSync(options.folder, { recursive: true });
      const password = options.image.environment["REDIS_PASSWORD"];
      await startServer(options, {
        program,
        args: [`127.0.0.1:${port}`],
        ...(password === undefined ? {} : { env: { REDIS_PASSWORD: password } }),
        port,
      });
    },
  };
}
