import { execFile, spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BesideOptions, BesideServer } from "./beside.ts";
import { postgresPrograms, type PostgresPrograms } from "./postgres-programs.ts";

const port = 5432;
const execute = promisify(execFile);
/** `nobody`: Postgres refuses to run as root. */
const other = { uid: 65_534, gid: 65_534 };
const settings: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  port: String(port),
  unix_socket_directories: "",
  // A job's data ends with it.
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
};

/** A real Postgres with an empty database, as the images `postgres` and `cimg/postgres` bring it. */
export const postgres: BesideServer = {
  port,
  prepare: async (options) => {
    const programs = await postgresPrograms((line) => options.print(`${line}\n`));
    mkdirSync(options.folder, { recursive: true });
    const data = join(options.folder, "data");
    await execute("cp", ["--archive", "--reflink=auto", await template(options, programs), data]);
    const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const [program = "", ...args] = unprivileged([programs.postgres, "-D", data, ...flags]);
    return { program, args, env: { ...options.environment, ...programs.environment }, cwd: options.folder };
  },
};

/** An initialized data folder with the user, password and database that the image's variables name. */
async function template(options: BesideOptions, programs: PostgresPrograms): Promise<string> {
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
  giveAway(fresh, passwordFile);
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
  await execute(program, args, { env, cwd: "/" });
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
  const child = spawn(program, args, { env, cwd: "/", stdio: ["pipe", "ignore", "pipe"] });
  const said: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => void said.push(chunk));
  child.stdin.end(`CREATE DATABASE "${database.replaceAll('"', '""')}";\n`);
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  const text = Buffer.concat(said).toString();
  if (code !== 0 || /^.*(?:ERROR|FATAL):/m.test(text))
    throw new Error(`database ${database} cannot be created: ${text}`);
}

/**
 * As another user, if this one is root. It keeps the right to pass through folders that only root may open, and no other:
 * the job's folder is one of them.
 */
function unprivileged(command: readonly string[]): string[] {
  if (process.getuid?.() !== 0) return [...command];
  const rights = [
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
    "--bounding-set=-all,+dac_override",
  ];
  return ["setpriv", `--reuid=${other.uid}`, `--regid=${other.gid}`, "--clear-groups", ...rights, "--", ...command];
}

function giveAway(...paths: string[]): void {
  if (process.getuid?.() !== 0) return;
  for (const path of paths) chownSync(path, other.uid, other.gid);
  chmodSync(paths[0] ?? "", 0o700);
}
