import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { isMap, parseYaml, writeYaml } from "../../core/yaml.ts";
import { stackFilePath } from "../../stacks/stack-file.ts";
import { ensureCredentials, gitUsers } from "../machine/credentials.ts";
import type { SandboxEndpoints } from "../machine/endpoints.ts";
import { checkedInFiles, copyFile, generateCiConfig } from "../stand-ins/source-repository.ts";
import { publish, type Published } from "./publish.ts";
import type { Head } from "./snapshot.ts";
import { sourceDirectory } from "./stack.ts";

/** This program as CI checks it out, with the stack file of the monorepo alone. The monorepo lies beside it. */
export function programDirectory(stateDir: string): string {
  return join(stateDir, "monorepo", "program");
}

/**
 * Brings the program and the monorepo into their repositories, where CI finds them. The stack file is the one that the engine
 * works with, with the real ports and the encrypted secrets.
 * @param isFirst whether all that the commit holds is built by `up`: then it starts no pipeline
 */
export async function importMonorepo(
  stateDir: string,
  { sourceRepository = "", programRepository = "" }: SandboxEndpoints,
  { commit, subject, prefix }: Head,
  isFirst: boolean,
): Promise<Published> {
  const { gitWriteToken: token } = ensureCredentials(stateDir);
  const access = (url: string) => ({ url, user: gitUsers.writer, token });
  const program = programDirectory(stateDir);
  await writeProgram(stateDir, program, prefix);
  await publish(program, access(programRepository), "The program");
  await generateCiConfig(program);
  const message = `${subject}\n\nCommit ${commit} of the monorepo${isFirst ? "\n\n[skip ci]" : ""}`;
  return publish(sourceDirectory(stateDir), access(sourceRepository), message);
}

async function writeProgram(stateDir: string, program: string, prefix: string): Promise<void> {
  mkdirSync(program, { recursive: true, mode: 0o700 });
  for (const entry of readdirSync(program))
    if (entry !== ".git") rmSync(join(program, entry), { recursive: true, force: true });
  for (const path of await checkedInFiles(process.cwd()))
    if (!/^stacks\/Pulumi\..+\.yaml$/.test(path)) copyFile(join(process.cwd(), path), join(program, path));
  const text = readFileSync(join(stateDir, "pulumi", "workspace", "Pulumi.sandbox.yaml"), "utf8");
  writeFileAtomically(join(program, stackFilePath("sandbox")), besideMonorepo(text, prefix), 0o600);
}

/**
 * What `delivery build` needs before there is a stack: the stack file beside the monorepo, with the registry that there really is.
 * @returns the directory to run it in
 */
export function writeBuildStack(stateDir: string, text: string, prefix: string, registryHost: string): string {
  const directory = join(stateDir, "monorepo", "build");
  const file = besideMonorepo(text, prefix, { registry: registryHost });
  writeFileAtomically(join(directory, stackFilePath("sandbox")), file, 0o600);
  return directory;
}

/** The stack file for a program that has the monorepo's checkout beside it. */
export function besideMonorepo(text: string, prefix: string, images: Readonly<Record<string, string>> = {}): string {
  const read = parseYaml(text);
  const file = "value" in read && isMap(read.value) ? read.value : {};
  const config = isMap(file["config"]) ? file["config"] : {};
  const directory = `../source/${prefix}`.replace(/\/$/, "");
  const app = { ...Object(config["delivery:app"]), directory };
  const own = { "delivery:app": app, "delivery:images": { ...Object(config["delivery:images"]), ...images } };
  return writeYaml({ ...file, config: { ...config, ...own } });
}
