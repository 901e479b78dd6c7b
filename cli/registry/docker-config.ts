import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { CommandError } from "../command.ts";
import type { Login } from "./client.ts";

/** A directory that Docker's clients read their logins from; gone at the end of `await using`. */
interface DockerConfig extends AsyncDisposable {
  /** For the environment variable DOCKER_CONFIG. */
  readonly directory: string;
}

const configSchema = z.looseObject({ auths: z.record(z.string(), z.unknown()).optional() });

/**
 * The user's own configuration with one more login in it: builders, contexts and plugins stay those of the user.
 * @param host the registry as image names have it
 */
export async function writeDockerConfig(
  host: string,
  { username, password }: Login,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<DockerConfig> {
  const own = environment["DOCKER_CONFIG"] ?? join(environment["HOME"] ?? homedir(), ".docker");
  // A store of logins would hide those in the file.
  const { credsStore: _, credHelpers: __, auths, ...rest } = readConfig(join(own, "config.json"));
  const login = { auth: Buffer.from(`${username}:${password}`).toString("base64") };
  // mkdtemp makes a directory that only its owner can enter.
  const directory = await mkdtemp(join(tmpdir(), "delivery-docker-"));
  // Also when this process ends by an error that nobody expects, such as a closed terminal.
  const removeAtOnce = (): void => rmSync(directory, { recursive: true, force: true });
  process.once("exit", removeAtOnce);
  const remove = async (): Promise<void> => {
    await rm(directory, { recursive: true, force: true });
    process.off("exit", removeAtOnce);
  };
  try {
    const config = JSON.stringify({ ...rest, auths: { ...auths, [serverOf(host)]: login } });
    await writeFile(join(directory, "config.json"), config, { mode: 0o600 });
    const others = existsSync(own) ? readdirSync(own).filter((name) => name !== "config.json") : [];
    await Promise.all(others.map((name) => symlink(join(own, name), join(directory, name))));
  } catch (error) {
    await remove();
    throw error;
  }
  return { directory, [Symbol.asyncDispose]: remove };
}

/** Docker Hub's login is kept under the address of its first API. */
function serverOf(host: string): string {
  return host === "docker.io" ? "https://index.docker.io/v1/" : host;
}

function readConfig(file: string): z.infer<typeof configSchema> {
  if (!existsSync(file)) return {};
  try {
    return configSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw new CommandError(`${file} is not a config file of Docker; correct it, or log in again`, { cause: error });
  }
}

const loginsSchema = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().optional() })).default({}),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).default({}),
});

/** The login that `docker login` has left for a registry, in its file or in the store that the file names. */
export async function dockerLogin(
  host: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Login | undefined> {
  const file = join(environment["DOCKER_CONFIG"] ?? join(environment["HOME"] ?? homedir(), ".docker"), "config.json");
  if (!existsSync(file)) return undefined;
  const config = loginsSchema.safeParse(parsed(file));
  if (!config.success) throw new CommandError(`${file} is not a config file of Docker; correct it, or log in again`);
  // Docker Hub is filed under the name of its first registry.
  const names =
    host === "docker.io" ? ["https://index.docker.io/v1/", "docker.io", "index.docker.io"] : [host, `https://${host}`];
  const { auths, credsStore, credHelpers } = config.data;
  for (const name of names) {
    const helper = credHelpers[name] ?? (name in auths ? credsStore : undefined);
    const login = helper === undefined ? plainLogin(auths[name]?.auth) : await storedLogin(helper, name, environment);
    if (login !== undefined) return login;
  }
  return undefined;
}

function plainLogin(auth: string | undefined): Login | undefined {
  if (auth === undefined || auth === "") return undefined;
  const decoded = Buffer.from(auth, "base64").toString();
  const colon = decoded.indexOf(":");
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

/** Asks one of Docker's credential helpers. */
async function storedLogin(
  helper: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Login | undefined> {
  const child = spawn(`docker-credential-${helper}`, ["get"], { env, stdio: ["pipe", "pipe", "ignore"] });
  const failed = new Promise<undefined>((done) => {
    child.on("error", () => done(undefined)).on("close", (code) => code !== 0 && done(undefined));
  });
  child.stdin.on("error", () => {});
  child.stdin.end(server);
  const answer = await Promise.race([text(child.stdout), failed]);
  const login = answer === undefined ? undefined : answerSchema.safeParse(parsedText(answer));
  return login?.success === true ? { username: login.data.Username, password: login.data.Secret } : undefined;
}

const answerSchema = z.object({ Username: z.string(), Secret: z.string() });

function parsed(file: string): unknown {
  return parsedText(readFileSync(file, "utf8"));
}

function parsedText(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
