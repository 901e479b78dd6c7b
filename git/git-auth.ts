import { tokenVariable, usernameVariable, withoutLogins } from "./git-credentials.ts";

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** The monorepo's repository, and as whom Git speaks to it. */
export interface GitAuth {
  /** Free of credentials: it stands in messages, and Git's helper for HTTP has it as an argument. */
  readonly repository: string;
  /** `own`: as Git is set up, and with DELIVERY_GIT_TOKEN where that is set. `none`: without the latter. */
  readonly login: Login | "own" | "none";
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * As whom to push to the repository of a checkout.
 * @param origin its URL, which may have a login in it: one that CI has put there often may only read
 */
export function authToWrite(origin: string, environment: Environment): GitAuth {
  const login = loginOf(origin);
  return { repository: withoutLogins(origin), login: login === undefined || hasToken(environment) ? "own" : login };
}

/**
 * As whom to read it, one after the other, those who may the least first: nobody, whoever the checkout is from, and last
 * whom DELIVERY_GIT_TOKEN stands for. A fork's job is only the first.
 */
export function authsToRead(origin: string, environment: Environment): GitAuth[] {
  const repository = withoutLogins(origin);
  const login = loginOf(origin);
  const web = overHttp(repository);
  if (web === undefined) return [{ repository, login: "own" }];
  return [
    { repository: web, login: "none" },
    ...(login === undefined ? [] : [{ repository, login }]),
    ...(web === repository ? [] : [{ repository, login: "own" } as const]),
    ...(hasToken(environment) ? [{ repository: web, login: "own" } as const] : []),
  ];
}

/** Lets Git log in as that, until it is disposed of. */
export function logIn(login: GitAuth["login"]): Disposable {
  if (login === "own") return { [Symbol.dispose]: () => undefined };
  const before = { token: process.env[tokenVariable], username: process.env[usernameVariable] };
  const given = login === "none" ? undefined : login;
  setVariable(tokenVariable, given?.password);
  setVariable(usernameVariable, given?.username);
  return {
    [Symbol.dispose]: () => {
      setVariable(tokenVariable, before.token);
      setVariable(usernameVariable, before.username);
    },
  };
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
}

function hasToken(environment: Environment): boolean {
  return (environment[tokenVariable] ?? "") !== "";
}

/** A name without a password is no login: Git asks its helpers for the rest. */
function loginOf(origin: string): Login | undefined {
  const [, username = "", password = ""] = /^https?:\/\/([^/?#:]*):([^/?#]*)@/i.exec(origin) ?? [];
  return password === "" ? undefined : { username: decoded(username), password: decoded(password) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The same repository by HTTP, for SSH lets nobody in without a key; `undefined`: it is on no server. */
function overHttp(repository: string): string | undefined {
  if (/^https?:\/\//i.test(repository)) return repository;
  const pattern = /^ssh:\/\/(?:[^@/]*@)?([^:/]+)(?::\d+)?\/+(.+)$|^[^@/\s]+@([^:/\s]+):\/*(.+)$/i;
  const [, host, path, shortHost = host, shortPath = path] = pattern.exec(repository) ?? [];
  return shortHost === undefined ? undefined : `https://${shortHost}/${shortPath}`;
}
