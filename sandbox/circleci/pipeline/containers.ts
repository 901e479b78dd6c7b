import { join } from "node:path";
import { besideServer, type BesideServer } from "../beside/beside.ts";
import { refuseTakenPort } from "../beside/taken-port.ts";
import type { Image } from "../config/job.ts";
import { runCommand } from "./command.ts";
import type { JobHost } from "./job-run.ts";
import type { JobWorld, Print, StepEnd } from "./job-world.ts";

/** The job's own limit is the shorter one. */
const dayInSeconds = 86_400;

/** What runs beside the job in place of an image. */
export interface Container {
  image: Image;
  server: BesideServer;
}

/** Says what stands in for the images. @throws Error for an image that nothing stands in for, and for a port that is taken */
export async function spinUp(
  { redis }: Pick<JobHost, "redis">,
  { definition }: JobWorld,
  print: Print,
): Promise<Container[]> {
  const [primary, ...others] = definition.docker;
  print(`This machine stands in for the image ${primary?.image ?? ""}\n`);
  return Promise.all(
    others.map(async (image) => {
      const server = besideServer(image, redis());
      await refuseTakenPort(image.image, server.port);
      print(`${image.image}: a process of this machine, at localhost:${server.port}\n`);
      return { image, server };
    }),
  );
}

/**
 * Runs a server until the job ends. As at CircleCI, no step waits until it serves, and the job goes on without it if it ends.
 * Source: https://circleci.com/docs/using-docker/#using-multiple-docker-images ("wait for it to be available")
 */
export async function runContainer(
  { root }: Pick<JobHost, "root">,
  { image, server }: Container,
  { folder, world, print, signal }: { folder: string; world: JobWorld; print: Print; signal: AbortSignal },
): Promise<StepEnd> {
  const environment = { ...world.environment, ...image.environment };
  const command = await server.prepare({ image, folder, templates: join(root, "templates"), environment, print });
  const end = await runCommand({ ...command, output: print, signal, quietSeconds: dayInSeconds });
  if (end.type !== "exit") return { status: "success" };
  print(`Exited with code exit status ${end.code}\n`);
  return { status: end.code === 0 ? "success" : "failed", exitCode: end.code };
}
