import { mkdirSync } from "node:fs";
import type { BesideServer } from "./beside.ts";

const port = 6379;

/** Redis's protocol by the server that the sandbox's Argo CD uses, too. */
export function redis(program: string | undefined): BesideServer {
  return {
    port,
    prepare: (options) => {
      if (program === undefined)
        throw new Error(`image ${options.image.image}: the sandbox has built no Redis; it does with delivery: gitops`);
      const { folder, environment, image } = options;
      mkdirSync(folder, { recursive: true });
      const password = image.environment["REDIS_PASSWORD"];
      return Promise.resolve({
        program,
        args: [`127.0.0.1:${port}`],
        env: { ...environment, ...(password === undefined ? {} : { REDIS_PASSWORD: password }) },
        cwd: folder,
      });
    },
  };
}
