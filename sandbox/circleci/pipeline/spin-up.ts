import { join } from "node:path";
import { besideServer, type ServerCommand } from "../beside/beside.ts";
import { refuseTakenPort } from "../beside/server-process.ts";
import type { JobHost } from "./job-run.ts";
import type { JobWorld, Print } from "./job-world.ts";

/** What runs beside the job in place of an image. */
export interface Server {
  image: string;
  command: ServerCommand;
}

/** Says what stands in for the images, and makes the servers beside the job ready. */
export async function spinUp(
  host: Pick<JobHost, "root" | "redis">,
  world: JobWorld,
  folder: string,
  print: Print,
): Promise<Server[]> {
  const [primary, ...others] = world.definition.docker;
  print(`This machine stands in for the image ${primary?.image ?? ""}\n`);
  return Promise.all(
    others.map(async (image, index) => {
      const server = besideServer(image, host.redis());
      await refuseTakenPort(image.image, server.port);
      const command = await server.prepare({
        image,
        folder: join(folder, `beside-${index}`),
        templates: join(host.root, "templates"),
        environment: { ...world.environment, ...image.environment },
        print,
      });
      print(`${image.image}: a process of this machine, at localhost:${server.port}\n`);
      return { image: image.image, command };
    }),
  );
}
