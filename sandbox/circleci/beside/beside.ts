/**
 * The servers beside a job: on CircleCI the second and further images of `docker:`, which a job reaches at `localhost`.
 * Here they are processes of this machine at the same port, so jobs that need the same port take turns.
 */
import type { CompiledJob, Image } from "../config/job.ts";
import { postgres } from "./postgres.ts";
import { redis } from "./redis.ts";

/** What a server is made ready in. */
export interface BesideOptions {
  image: Image;
  /** Its own, below the job's. */
  folder: string;
  /** What is made once and kept between jobs. */
  templates: string;
  /** Inherited by its processes, so that whatever the job leaves is found. */
  environment: Readonly<Record<string, string>>;
  print: (text: string) => void;
}

/** A server's process, as it is to be run. */
export interface ServerCommand {
  program: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Where it runs. */
  cwd: string;
}

/** One that can run beside a job. */
export interface BesideServer {
  port: number;
  /** Puts its data in place. @throws Error that says why it cannot run */
  prepare: (options: BesideOptions) => Promise<ServerCommand>;
}

/**
 * Which server stands in for an image.
 *
 * @param redisProgram path of a server of Redis's protocol, if there is one
 * @throws Error for an image that none stands in for
 */
export function besideServer({ image }: Image, redisProgram: string | undefined): BesideServer {
  const name = image
    .replace(/@.*$/, "")
    .replace(/:[^:/]*$/, "")
    .split("/")
    .at(-1);
  if (name === "postgres") return postgres;
  if (name === "redis") return redis(redisProgram);
  throw new Error(
    `image ${image}: the sandbox's CircleCI runs no containers; beside a job it has Postgres and Redis only`,
  );
}

/** The ports of this machine that a job needs for itself. @throws Error for an image that nothing stands in for */
export function portsOf({ docker }: CompiledJob): number[] {
  return docker.slice(1).map((image) => besideServer(image, undefined).port);
}
