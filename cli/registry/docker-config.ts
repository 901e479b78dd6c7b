import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { temporaryDirectory, type TemporaryDirectory } from "../../core/atomic-file.ts";
import { outputOf } from "../../core/process.ts";
import { CommandError } from "../command.ts";
import type { Login } from "./authorization.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The login of one registry. */
export interface RegistryLogin {
  /** The registry as image names have it. */
  readonly host: string;
  readonly login: Login;
}

/**
 * Makes a directory for DOCKER_CONFIG that has the user's own configuration with more logins in it: builders, contexts and
 * plugins stay those of the user, and so do the logins of other registries.
 * @param logins a later one takes the place of an earlier one of the same registry
 * @param hosts further registries whose logins the user's store is asked for
 */
export function writeDockerConfig(
  logins: readonly RegistryLogin[],
  environment: Environment,
  hosts: readonly string[] = [],
): TemporaryDirectory {
  const own = configDirectory(environment);
  const config = readConfig(join(own, "config.json"), configSchema);
  const { credsStore, credHelpers = {}, auths = {}, ...rest } = config ?? {};
  const given = new Set(logins.flatMap(({ host }) => configNames(host)));
  const isOther = ([name]: readonly [string, unknown]): boolean => !given.has(name);
  // A store or helper of logins hides those in the file, so that it is named only for registries whose logins are not given.
  const stored =
    credsStore === undefined
      ? []
      : [...Object.keys(auths), ...hosts.flatMap((host) => configNames(host).slice(0, 1))].map(
          (name) => [name, credsStore] as const,
        );
  const helpers = Object.fromEntries([...stored, ...Object.entries(credHelpers)].filter(isOther));
  const added = logins.map(({ host, login: { username, password } }) => [
    configNames(host)[0],
    { auth: Buffer.from(`${username}:${password}`).toString("base64") },
  ]);
  const directory = temporaryDirectory("delivery-docker-");
  try {
    const text = JSON.stringify({
      ...rest,
      ...(Object.keys(helpers).length === 0 ? {} : { credHelpers: helpers }),
      auths: { ...Object.fromEntries(Object.entries(auths).filter(isOther)), ...Object.fromEntries(added) },
    });
    writeFileSync(join(directory.path, "config.json"), text, { mode: 0o600 });
    const others = existsSync(own) ? readdirSync(own).filter((name) => name !== "config.json") : [];
    for (const name of others) symlinkSync(join(own, name), join(directory.path, name));
  } catch (error) {
    directory[Symbol.dispose]();
    throw error;
  }
  return directory;
}

const configSchema = z.looseObject({
  auths: z.record(z.string(), z.unknown()).optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});

/** Docker keeps the login of Docker Hub under the address of its first API. */
const dockerHub = "https://index.docker.io/v1/";

/** The login that `docker login` has left for a registry, in its file or in the store that the file names. */
export async function dockerLogin(host: string, environment: Environment): Promise<Login | undefined> {
  const config = readConfig(join(configDirectory(environment), "config.json"), loginsSchema);
  if (config === undefined) return undefined;
  const { auths, credsStore, credHelpers } = config;
  for (const name of configNames(host)) {
    // A store may have the logins of registries that the file does not name, such as those that it makes itself.
    const helper = credHelpers[name] ?? credsStore;
    const login =
      helper === undefined ? plainLogin(entryOf(auths, name)) : await storedLogin(helper, name, environment);
    if (login !== undefined) return login;
  }
  return undefined;
}

const loginsSchema = z.object({
  auths: z
    .record(z.string(), z.object({ auth: z.string().optional(), identitytoken: z.string().optional() }))
    .default({}),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).default({}),
});

/** The names that a registry may have in the file; that by which it is written comes first. */
function configNames(host: string): readonly string[] {
  return host === "docker.io" ? [dockerHub, "docker.io", "index.docker.io"] : [host, `https://${host}`];
}

type Entries = z.infer<typeof loginsSchema>["auths"];

/** Older versions of Docker, and other tools, write an address of the API: Docker takes the host of it where no entry has the name itself. */
function entryOf(auths: Entries, name: string): Entries[string] | undefined {
  const hostIn = (key: string): string | undefined => key.replace(/^https?:\/\//, "").split("/")[0];
  return auths[name] ?? Object.entries(auths).find(([key]) => hostIn(key) === name)?.[1];
}

function plainLogin({ auth = "", identitytoken = "" }: Entries[string] = {}): Login | undefined {
  if (identitytoken !== "") return { username: "", password: identitytoken, isIdentityToken: true };
  if (auth === "") return undefined;
  const decoded = Buffer.from(auth, "base64").toString();
  const colon = decoded.indexOf(":");
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

/** Asks one of Docker's credential helpers; `undefined`: it has no login, or does not work. */
async function storedLogin(helper: string, server: string, env: Environment): Promise<Login | undefined> {
  try {
    const answer = await outputOf(`docker-credential-${helper}`, ["get"], { env, input: server });
    const { Username: username, Secret: password } = answerSchema.parse(JSON.parse(answer));
    // Docker's own mark for a token that takes no user name.
    return username === "<token>" ? { username: "", password, isIdentityToken: true } : { username, password };
  } catch {
    return undefined;
  }
}

const answerSchema = z.object({ Username: z.string(), Secret: z.string() });

function configDirectory(environment: Environment): string {
  return environment["DOCKER_CONFIG"] ?? join(environment["HOME"] ?? homedir(), ".docker");
}

/** @returns `undefined`: there is no such file */
function readConfig<T>(file: string, schema: z.ZodType<T>): T | undefined {
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, "utf8");
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new CommandError(`${file} is not a config file of Docker; correct it, or log in again`, { cause: error });
  }
}
