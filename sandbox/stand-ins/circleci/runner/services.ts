/**
 * The service containers of a job: on CircleCI the second and further images of `docker:`, which a job reaches at `localhost`.
 * Here they are processes of this machine at the same port, so jobs that need the same port take turns, in all sandboxes together.
 */
import { createHash, randomUUID } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { outputOf, runProcess } from "../../../../core/process.ts";
import { cacheDir, takeLock } from "../../../machine/cache.ts";
import { debianPostgres } from "../../../machine/tools/debian-tools.ts";
import type { CompiledJob, Image } from "../config/job.ts";

/** What a server is made ready in. */
interface ServiceOptions {
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
interface ServiceCommand {
  program: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Where it runs. */
  cwd: string;
}

/** A server that stands in for a service container. */
export interface ServiceServer {
  port: number;
  /** Puts its data in place. @throws Error that says why it cannot run */
  prepare: (options: ServiceOptions) => Promise<ServiceCommand>;
}

/**
 * Which server stands in for an image.
 *
 * @param redisProgram path of a server of Redis's protocol, if there is one
 * @throws Error for an image that none stands in for
 */
export function serviceServer({ image }: Image, redisProgram: string | undefined): ServiceServer {
  const name = image
    .replace(/@.*$/, "")
    .replace(/:[^:/]*$/, "")
    .split("/")
    .at(-1);
  if (name === "postgres") return postgresServer;
  if (name === "redis") return redisServer(redisProgram);
  throw new Error(
    `image ${image}: the sandbox's CircleCI runs no containers; as services it has Postgres and Redis only`,
  );
}

/** The ports of this machine that a job needs for itself. @throws Error for an image that nothing stands in for */
export function servicePorts({ docker }: Pick<CompiledJob, "docker">): number[] {
  return docker.slice(1).map((image) => serviceServer(image, undefined).port);
}

/**
 * Waits until no job of another sandbox of this user has one of the ports, and keeps them until it is disposed of.
 * @throws what `signal` was aborted with
 */
export async function takePorts(
  ports: readonly number[],
  print: (text: string) => void,
  signal: AbortSignal,
): Promise<Disposable> {
  using taken = new DisposableStack();
  // In one order, or two jobs could wait for each other.
  for (const port of new Set(ports.toSorted((one, other) => one - other))) {
    const onWait = (owner: number, seconds: number): void =>
      print(`waiting for port ${port}, which a job of process ${owner} uses … ${seconds} s\n`);
    taken.use(await takeLock(join(cacheDir(), `service-port-${port}.lock`), { onWait, signal }));
  }
  return taken.move();
}

const redisPort = 6379;

/** Redis's protocol by the server that the sandbox's Argo CD uses, too. */
function redisServer(program: string | undefined): ServiceServer {
  return {
    port: redisPort,
    prepare: (options) => {
      if (program === undefined)
        throw new Error(`image ${options.image.image}: the sandbox has built no Redis; it does with delivery: gitops`);
      const { folder, environment, image } = options;
      mkdirSync(folder, { recursive: true });
      const password = image.environment["REDIS_PASSWORD"];
      return Promise.resolve({
        program,
        args: [`127.0.0.1:${redisPort}`],
        env: { ...environment, ...(password === undefined ? {} : { REDIS_PASSWORD: password }) },
        cwd: folder,
      });
    },
  };
}

const postgresPort = 5432;
/** `nobody`: Postgres refuses to run as root. */
const nobody = { uid: 65_534, gid: 65_534 };
const postgresSettings: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  port: String(postgresPort),
  unix_socket_directories: "",
  // A job's data ends with it.
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
};

/** A real Postgres with an empty database, as the images `postgres` and `cimg/postgres` bring it. */
const postgresServer: ServiceServer = {
  port: postgresPort,
  prepare: async (options) => {
    const programs = await postgresPrograms((line) => options.print(`${line}\n`));
    mkdirSync(options.folder, { recursive: true });
    const data = join(options.folder, "data");
    await outputOf("cp", ["--archive", "--reflink=auto", await postgresTemplate(options, programs), data]);
    const flags = Object.entries(postgresSettings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const [program = "", ...args] = unprivileged([programs.postgres, "-D", data, ...flags]);
    return { program, args, env: { ...options.environment, ...programs.environment }, cwd: options.folder };
  },
};

/** An initialized data folder with the user, password and database that the image's variables name. */
async function postgresTemplate(options: ServiceOptions, programs: PostgresPrograms): Promise<string> {
  const {
    POSTGRES_USER: user = "postgres",
    POSTGRES_PASSWORD: password,
    POSTGRES_DB: database = user,
  } = options.image.environment;
  if (password === undefined && options.image.environment["POSTGRES_HOST_AUTH_METHOD"] !== "trust")
    throw new Error(
      `image ${options.image.image}: set POSTGRES_PASSWORD in its environment, or POSTGRES_HOST_AUTH_METHOD to trust, as the image wants it`,
    );
  const key = createHash("sha256").update(JSON.stringify([programs.postgres, user, password, database]));
  const folder = join(options.templates, `postgres-${key.digest("hex").slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  const fresh = `${folder}.${randomUUID().slice(0, 8)}.new`;
  mkdirSync(fresh, { recursive: true, mode: 0o700 });
  const passwordFile = join(options.folder, "password");
  writeFileSync(passwordFile, `${password ?? "unused"}\n`, { mode: 0o600 });
  giveToNobody(fresh, passwordFile);
  const env = { ...options.environment, ...programs.environment, LC_ALL: "C.UTF-8" };
  const access = password === undefined ? "trust" : "scram-sha-256";
  const [program = "", ...args] = unprivileged([
    programs.initdb,
    `--pgdata=${fresh}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    `--auth=${access}`,
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--no-sync",
  ]);
  await outputOf(program, args, { env, cwd: "/" });
  if (database !== "postgres") await createDatabase(programs, fresh, database, env);
  if (existsSync(folder)) return folder;
  renameSync(fresh, folder);
  return folder;
}

/** By the server's own single-user mode, which needs no password. */
async function createDatabase(
  programs: PostgresPrograms,
  data: string,
  database: string,
  env: Record<string, string>,
): Promise<void> {
  const [program = "", ...args] = unprivileged([programs.postgres, "--single", "-D", data, "postgres"]);
  const input = `CREATE DATABASE "${database.replaceAll('"', '""')}";\n`;
  const { code, stderr } = await runProcess(program, args, { env, cwd: "/", input });
  const text = stderr.toString();
  // Its exit status is 0 even if the statement fails.
  if (code !== 0 || /^.*(?:ERROR|FATAL):/m.test(text))
    throw new Error(`database ${database} cannot be created: ${text}`);
}

/**
 * As another user, if this one is root. It keeps the right to pass through folders that only root may open, and no other:
 * the job's folder is one of them.
 */
export function unprivileged(command: readonly string[]): string[] {
  if (process.getuid?.() !== 0) return [...command];
  const rights = [
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
    "--bounding-set=-all,+dac_override",
  ];
  return ["setpriv", `--reuid=${nobody.uid}`, `--regid=${nobody.gid}`, "--clear-groups", ...rights, "--", ...command];
}

function giveToNobody(...paths: string[]): void {
  if (process.getuid?.() !== 0) return;
  for (const path of paths) chownSync(path, nobody.uid, nobody.gid);
  chmodSync(paths[0] ?? "", 0o700);
}

/** Postgres's programs, and what they need in their environment. */
interface PostgresPrograms {
  initdb: string;
  postgres: string;
  environment: Record<string, string>;
}

const debianFolder = "/usr/lib/postgresql";

/** Those of this machine, the newest first, else Debian's, unpacked into the cache. @throws Error when there are none */
export async function postgresPrograms(report: (line: string) => void): Promise<PostgresPrograms> {
  const installed = existsSync(debianFolder)
    ? readdirSync(debianFolder)
        .toSorted((one, other) => Number(other) - Number(one))
        .map((version) => join(debianFolder, version, "bin"))
    : [];
  const folders = [...installed, ...(process.env["PATH"] ?? "").split(delimiter)];
  const found = folders.find((folder) => ["initdb", "postgres"].every((name) => existsSync(join(folder, name))));
  if (found !== undefined) return programsIn(found, {});
  const { bin, libraries } = await debianPostgres(report);
  return programsIn(bin, { LD_LIBRARY_PATH: libraries });
}

function programsIn(folder: string, environment: Record<string, string>): PostgresPrograms {
  return { initdb: join(folder, "initdb"), postgres: join(folder, "postgres"), environment };
}
