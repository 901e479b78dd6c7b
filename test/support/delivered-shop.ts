import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import type { Command, CommandContext } from "../../cli/command.ts";
import { errorMessage } from "../../core/error.ts";
import { tokenVariable } from "../../git/git-credentials.ts";
import { initialRecord, recordPath, recordWith, type Verification } from "../../git/release-record.ts";
import { BareRepository } from "./bare-repository.ts";
import { openGitHubHarness, urlWithToken, writeToken, type GitHubHarness } from "./github-harness.ts";

/** What a command has printed and noted, and the message with which it has failed; empty: it has not. */
export interface CommandOutcome {
  readonly output: string;
  readonly notes: string;
  readonly error: string;
}

/** A monorepo on the GitHub stand-in with the program in it, whose services `link` and `user` are in three environments. */
export interface DeliveredShop extends AsyncDisposable {
  readonly github: GitHubHarness;
  readonly deploy: BareRepository;
  /** The checkout of the monorepo, which is the program's directory, too. */
  readonly root: string;
  /** Writes the stack file of an environment. */
  readonly declare: (environment: string, more?: Readonly<Record<string, unknown>>) => void;
  /** Commits to the branch that the checkout is on, and pushes it. @returns the commit */
  readonly commit: (message: string, files: Readonly<Record<string, string>>) => Promise<string>;
  /** Writes the record of a service. @returns the commit of the deploy repository */
  readonly release: (
    environment: string,
    service: string,
    digit: string,
    sourceCommit?: string,
    verification?: Verification,
  ) => string;
  /** As `npx delivery` runs it in the program's directory, which must be the current one. */
  readonly run: (
    command: Command,
    args: readonly string[],
    context?: Partial<CommandContext>,
  ) => Promise<CommandOutcome>;
}

const dockerfile = (name: string): string => `FROM scratch\nCOPY pkg svc/${name}_service /app/\nEXPOSE 7070\n`;

/** @param options of the GitHub stand-in */
export async function openDeliveredShop(options: { readonly webhookSecret?: string } = {}): Promise<DeliveredShop> {
  const github = await openGitHubHarness(options);
  const deploy = new BareRepository({ existing: join(github.root, "acme/deploy.git") });
  const before = process.env[tokenVariable];
  process.env[tokenVariable] = writeToken;
  const root = await github.git("rev-parse", "--show-toplevel");
  await github.git("remote", "add", "origin", urlWithToken(github.gitUrl, "acme/shop"));
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const declare: DeliveredShop["declare"] = (environment, more = {}) => {
    const config = {
      schemaVersion: 2,
      app: { name: "shop", directory: "." },
      images: { organization: "acme", username: "ci", source: "registry", context: "app" },
      ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
      github: { repository: "acme/shop", api: github.api },
      gitops: { repository: `${github.gitUrl}/acme/deploy.git` },
      ...more,
    };
    const keyed = Object.fromEntries(Object.entries(config).map(([key, value]) => [`delivery:${key}`, value]));
    write(`stacks/Pulumi.${environment}.yaml`, stringify({ config: keyed }));
  };
  const commit: DeliveredShop["commit"] = async (message, files) => {
    for (const [path, content] of Object.entries(files)) write(path, content);
    await github.git("add", "--all");
    await github.git("commit", "--quiet", "--allow-empty", "--message", message);
    await github.git("push", "--quiet", "origin", "HEAD");
    return github.git("rev-parse", "HEAD");
  };
  declare("dev");
  declare("staging", { promotion: { from: "dev" } });
  declare("prod", { promotion: { from: "staging" } });
  await commit("Begin", {
    "README.md": "# Shop\n",
    "pkg/terms.txt": "No returns.\n",
    ...Object.fromEntries(
      ["link", "user"].flatMap((name) => [
        [`svc/${name}_service/Dockerfile`, dockerfile(name)],
        [`svc/${name}_service/page.txt`, `This is ${name}.\n`],
      ]),
    ),
  });
  deploy.commit(
    Object.fromEntries(
      ["dev", "staging", "prod"].flatMap((environment) =>
        ["link", "user"].map((service) => [recordPath(environment, service), initialRecord(service)]),
      ),
    ),
  );
  return {
    github,
    deploy,
    root,
    declare,
    commit,
    release: (environment, service, digit, sourceCommit, verification) => {
      const image = {
        repository: `docker.io/acme/shop-${service}`,
        digest: `sha256:${digit.repeat(64)}`,
        sourceCommit,
        verification,
      };
      return deploy.commit({ [recordPath(environment, service)]: recordWith(image) }, `release ${service}`);
    },
    run: async (command, args, context = {}) => {
      const output: string[] = [];
      const notes: string[] = [];
      const error = await command
        .run(args, {
          environment: { PATH: process.env["PATH"], DELIVERY_GITHUB_TOKEN: writeToken },
          print: (line) => output.push(line),
          note: (line) => notes.push(line),
          input: async () => "",
          signal: new AbortController().signal,
          ...context,
        })
        .then(
          () => "",
          (reason: unknown) => errorMessage(reason),
        );
      return { output: output.join("\n"), notes: notes.join("\n"), error };
    },
    [Symbol.asyncDispose]: async () => {
      if (before === undefined) Reflect.deleteProperty(process.env, tokenVariable);
      else process.env[tokenVariable] = before;
      await github[Symbol.asyncDispose]();
    },
  };
}
