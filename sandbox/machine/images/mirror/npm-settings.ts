import { existsSync, readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { z } from "zod";
import { outputOf } from "../../../../core/process.ts";

/** Where this machine's npm gets packages from, and as whom. */
export interface NpmSettings {
  /** URL of the registry that has a package, without a login, with a slash at its end. */
  readonly registryOf: (name: string) => string;
  /** The header `authorization` for a URL; `undefined`: npm has no credentials for it. */
  readonly authorizationFor: (url: string) => string | undefined;
}

/**
 * Asks npm for its configuration, and has this process trust the authorities in `cafile`. npm shows no credentials: they are
 * read from its files and from the environment.
 *
 * @throws Error if there is no npm here
 */
export async function readNpmSettings(): Promise<NpmSettings> {
  // At the root there is no project whose own settings npm would add.
  const output = await outputOf("npm", ["config", "list", "--json"], { cwd: "/" });
  const shown = onlyTexts(z.record(z.string(), z.unknown()).parse(JSON.parse(output)));
  const hidden = [shown["globalconfig"], shown["userconfig"]].map((file) =>
    file !== undefined && existsSync(file) ? parseNpmrc(readFileSync(file, "utf8")) : {},
  );
  const settings: Record<string, string> = { ...hidden[0], ...hidden[1], ...environmentSettings(), ...shown };
  const { cafile } = settings;
  if (cafile !== undefined && existsSync(cafile))
    setDefaultCACertificates([...getCACertificates("default"), readFileSync(cafile, "utf8")]);
  return npmSettings(settings);
}

/** @param settings npm's, by key */
export function npmSettings(settings: Readonly<Record<string, string>>): NpmSettings {
  const registryUrl = (name: string): URL => {
    const url = settings[`${name.split("/")[0] ?? ""}:registry`] ?? settings["registry"];
    if (url === undefined) throw new Error('npm names no registry: see "npm config get registry"');
    return new URL(url.replace(/\/*$/, "/"));
  };
  return {
    registryOf: (name) => {
      const url = registryUrl(name);
      url.username = url.password = "";
      return url.href;
    },
    authorizationFor: (address) => {
      const { host, pathname } = new URL(address);
      // npm takes the credentials of the longest part of the address that has some.
      for (let path = pathname; path !== ""; path = path.replace(/[^/]*\/?$/, "")) {
        const found = credentials(settings, `//${host}${path}`);
        if (found !== undefined) return found;
      }
      const registry = registryUrl("");
      if (registry.host !== host || registry.username === "") return undefined;
      return basic(`${decodeURIComponent(registry.username)}:${decodeURIComponent(registry.password)}`);
    },
  };
}

/** Source: https://docs.npmjs.com/cli/configuring-npm/npmrc#auth-related-configuration */
function credentials(settings: Readonly<Record<string, string>>, address: string): string | undefined {
  const { [`${address}:_authToken`]: token, [`${address}:_auth`]: login } = settings;
  const { [`${address}:username`]: user, [`${address}:_password`]: password } = settings;
  if (token !== undefined) return `Bearer ${token}`;
  if (login !== undefined) return `Basic ${login}`;
  if (user === undefined || password === undefined) return undefined;
  return basic(`${user}:${Buffer.from(password, "base64").toString()}`);
}

function basic(login: string): string {
  return `Basic ${Buffer.from(login).toString("base64")}`;
}

/** The settings of one of npm's files; `${NAME}` stands for a variable of the environment. */
function parseNpmrc(content: string): Record<string, string> {
  const settings = content.split("\n").flatMap((line) => {
    const [, key, value = ""] = /^\s*([^#;=\s][^=]*?)\s*=\s*"?(.*?)"?\s*$/.exec(line) ?? [];
    if (key === undefined) return [];
    return [[key, value.replaceAll(/\$\{(\w+)\??\}/g, (_, name: string) => process.env[name] ?? "")] as const];
  });
  return Object.fromEntries(settings);
}

/** Settings in variables; only names of registries and their addresses have capitals that count. */
function environmentSettings(): Record<string, string> {
  const settings = Object.entries(process.env).flatMap(([name, value]) => {
    const [, key] = /^npm_config_(.+)$/i.exec(name) ?? [];
    return key === undefined ? [] : [[/^(@|\/\/)/.test(key) ? key : key.toLowerCase(), value] as const];
  });
  return onlyTexts(Object.fromEntries(settings));
}

function onlyTexts(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
