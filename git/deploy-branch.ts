import type { Identity } from "./committer.ts";
import { withoutLogins } from "./git-credentials.ts";
import type { Signing } from "./signing-keys.ts";

/** A branch of a deploy repository. */
export interface DeployBranch {
  /**
   * For example `https://github.com/acme/deploy.git` or `git@github.com:acme/deploy.git`. Stack files may hold no password in it;
   * the `origin` of a checkout may have one, so that messages show it without.
   */
  readonly repository: string;
  readonly branch: string;
  /** Who makes commits there; Git's variables go first. @default `delivery` */
  readonly committer?: Identity | undefined;
  /** Commits are signed, and go on top of signed ones alone. @default they are not */
  readonly signing?: Signing | undefined;
  /** A command of Git that takes longer has failed. @default 120 s */
  readonly timeoutSeconds?: number;
}

/** For messages: `branch main of https://github.com/acme/deploy.git`, without a login. */
export function describeBranch({ repository, branch }: DeployBranch): string {
  return `branch ${branch} of ${withoutLogins(repository)}`;
}

/** Why a text cannot be the URL of a deploy repository; `undefined`: it can. Never shows a credential in it. */
export function repositoryProblem(repository: string): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(repository)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    // The short form of SSH. Git takes `transport::address` for the name of a program to run.
    if (/^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^:\s][^\s]*$/.test(repository)) return undefined;
    return `is not the URL of a Git repository; write https://…, ssh://… or git@host:path`;
  }
  if (!URL.canParse(repository) || /\s/.test(repository)) return "is not a valid URL";
  const { username, password, search, hash } = new URL(repository);
  if (scheme === "http" || scheme === "https") {
    if (username !== "" || password !== "")
      return `has a credential in it, which would land in the state; remove it, replace it where it is used, and set DELIVERY_GIT_TOKEN or a credential helper of Git`;
  } else if (scheme === "ssh") {
    if (password !== "") return "has a password in it, which would land in the state; remove it and use a key";
  } else if (scheme !== "file") {
    return `has the scheme ${scheme}://; write https://…, ssh://… or git@host:path`;
  }
  return search === "" && hash === "" ? undefined : "has a query or a fragment; remove it";
}

/** Why a text cannot be the name of a branch; `undefined`: it can. Source: git-check-ref-format(1). */
export function branchProblem(branch: string): string | undefined {
  const valid =
    !/[\s~^:?*[\\\p{Cc}]|\.\.|@\{|\/\/|^[-/.]|\/\.|[/.]$|\.lock(\/|$)|^@$|^HEAD$/u.test(branch) && branch !== "";
  return valid ? undefined : `${JSON.stringify(branch)} is not the name of a branch`;
}

/** Why a text cannot be a path in the repository; `undefined`: it can. */
export function pathProblem(path: string): string | undefined {
  const segments = path.split("/");
  if (
    segments.every(
      (segment) =>
        segment !== "" &&
        segment !== "." &&
        segment !== ".." &&
        !/^\.git$/i.test(segment) &&
        !/[\p{Cc}\\]/u.test(segment),
    )
  )
    return undefined;
  return `${JSON.stringify(path)} is not a path in a Git repository; write it relative to the root, without "..", "//" or ".git"`;
}
