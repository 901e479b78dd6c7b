import type { Command, CommandContext } from "../../cli/command.ts";
import { initialRecord, recordPath, recordWith, type Rejection } from "../../git/release-record.ts";
import { BareRepository } from "./bare-repository.ts";
import { RegistryStandIn } from "./registry-stand-in.ts";

/** What the delivery CLI works on: a deploy repository in which nothing has been released yet, and a registry. */
export class CommandHarness implements AsyncDisposable {
  readonly repository = new BareRepository();
  /** What the commands have said beside their results. */
  readonly notes: string[] = [];
  readonly registry: RegistryStandIn;

  private constructor(registry: RegistryStandIn) {
    this.registry = registry;
    const places = ["dev/link", "dev/user", "staging/link"].map((location) => location.split("/"));
    this.repository.commit({
      "dev/link/deployment.yaml": "replicas: 1\n",
      ...Object.fromEntries(
        places.map(([environment = "", service = ""]) => [recordPath(environment, service), initialRecord(service)]),
      ),
    });
  }

  static async start(): Promise<CommandHarness> {
    return new CommandHarness(await RegistryStandIn.start());
  }

  /** Runs a command as `npx delivery` does, and returns what it prints. */
  async run(command: Command, args: readonly string[], context: Partial<CommandContext> = {}): Promise<string> {
    const lines: string[] = [];
    const where = ["--repository", this.repository.url, "--images", `${this.registry.host}/acme/shop`];
    await command.run([...where, ...args], {
      environment: {},
      print: (line) => lines.push(line),
      note: (line) => this.notes.push(line),
      input: async () => "",
      signal: new AbortController().signal,
      ...context,
    });
    return lines.join("\n");
  }

  record(environment: string, service: string): string | undefined {
    return this.repository.files()[recordPath(environment, service)];
  }

  /** A record of an image in the registry. */
  pinned(service: string, digest: string, rejected?: Rejection, sourceCommit?: string): string {
    const repository = `${this.registry.host}/acme/shop-${service}`;
    return recordWith({ repository, digest, sourceCommit }, rejected);
  }

  /** Someone releases in `dev`; returns the commit. */
  release(images: Readonly<Record<string, string>>, sourceCommit?: string): string {
    const records = Object.entries(images).map(([service, digest]) => [
      recordPath("dev", service),
      this.pinned(service, digest, undefined, sourceCommit),
    ]);
    return this.repository.commit(Object.fromEntries(records), "release");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.repository[Symbol.dispose]();
    await this.registry[Symbol.asyncDispose]();
  }
}
