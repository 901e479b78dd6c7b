import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { choosePort } from "../../../../sandbox/machine/ports.ts";
import { startProcess, stopAllProcesses } from "../../../../sandbox/machine/process.ts";

let stateDir: string;
const servers = new Set<Server>();
const choosers = new Set<ChildProcess>();

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "ports-test-"));
  vi.stubEnv("XDG_CACHE_HOME", join(stateDir, "cache"));
});

afterEach(async () => {
  for (const chooser of choosers) chooser.kill();
  choosers.clear();
  for (const directory of [stateDir, sandbox("a")]) await stopAllProcesses(directory);
  for (const server of servers) server.close();
  servers.clear();
  vi.unstubAllEnvs();
  rmSync(stateDir, { recursive: true });
});

describe("choosePort", () => {
  test("takes the wanted port if it is free, and remembers it", async () => {
    const wanted = await freePort();
    expect(await choosePort(stateDir, "registry", wanted)).toBe(wanted);
    expect(await choosePort(stateDir, "registry", 1)).toBe(wanted);
    expect(JSON.parse(readFileSync(join(stateDir, "ports.json"), "utf8"))).toEqual({ registry: wanted });
  });

  test("takes another when the wanted one is taken, and stays with it", async () => {
    const taken = await occupy(0);
    const chosen = await choosePort(stateDir, "registry", taken);
    expect(chosen).not.toBe(taken);
    for (const server of servers) server.close();
    expect(await choosePort(stateDir, "registry", taken)).toBe(chosen);
  });

  test("sees a port that is taken on all addresses", async () => {
    const taken = await occupy(0, "0.0.0.0");
    expect(await choosePort(stateDir, "registry", taken)).not.toBe(taken);
  });

  test("gives two purposes two ports, also when asked at once", async () => {
    const wanted = await freePort();
    const chosen = await Promise.all(["a", "b", "c"].map((name) => choosePort(stateDir, name, wanted)));
    expect(new Set(chosen).size).toBe(3);
    expect(chosen[0]).toBe(wanted);
  });

  test("keeps the port on which its own process listens", async () => {
    const wanted = await freePort();
    const port = await choosePort(stateDir, "server", wanted);
    await startProcess(stateDir, {
      name: "server",
      command: process.execPath,
      args: [
        "-e",
        `require("node:net").createServer().listen(${port}, "127.0.0.1", () => require("node:fs").writeFileSync("ready", ""))`,
      ],
      ready: async () => readFileSync(join(stateDir, "ready")) !== undefined,
    });
    expect(await choosePort(stateDir, "server", wanted)).toBe(port);
  });

  test("gives up a remembered port that a foreign process has taken", async () => {
    const taken = await occupy(0);
    writeFileSync(join(stateDir, "ports.json"), JSON.stringify({ registry: taken }));
    expect(await choosePort(stateDir, "registry", taken)).not.toBe(taken);
  });

  test("names the address that is none of this machine", async () => {
    await expect(choosePort(stateDir, "registry", 5001, "192.0.2.77")).rejects.toThrow(
      /Is 192\.0\.2\.77 an address of this machine\?/,
    );
  });

  test("names a broken file and the way out", async () => {
    writeFileSync(join(stateDir, "ports.json"), "{");
    await expect(choosePort(stateDir, "registry", 5001)).rejects.toThrow(
      /ports\.json is not valid JSON .*: stop the sandbox and remove the file/,
    );
  });
});

describe("several sandboxes of one user", () => {
  test("that start at the same moment choose different ports", async () => {
    const wanted = await freePort();
    const chosen = await Promise.all(["a", "b", "c", "d"].map((name) => chosenByAnother(sandbox(name), wanted)));
    expect(new Set(chosen.map(({ port }) => port)).size).toBe(4);
  });

  test("leave each other what was chosen for a later start, until their processes have ended", async () => {
    const wanted = await freePort();
    const { end } = await chosenByAnother(sandbox("a"), wanted);
    await startProcess(sandbox("a"), { name: "keeper", command: "sleep", args: ["600"], ready: async () => true });
    await end();
    expect(await choosePort(sandbox("b"), "late", wanted)).not.toBe(wanted);
    await stopAllProcesses(sandbox("a"));
    expect(await choosePort(sandbox("c"), "late", wanted)).toBe(wanted);
    // What it remembers is another's now.
    expect(await choosePort(sandbox("a"), "late", wanted)).not.toBe(wanted);
  });

  test("leave nothing behind with their state directory", async () => {
    const wanted = await freePort();
    expect(await choosePort(sandbox("a"), "late", wanted)).toBe(wanted);
    rmSync(sandbox("a"), { recursive: true });
    expect(await choosePort(sandbox("b"), "late", wanted)).toBe(wanted);
  });
});

const sandbox = (name: string): string => join(stateDir, name);

/** The port that another process chooses, which lives until `end` or the end of the test. */
async function chosenByAnother(directory: string, wanted: number): Promise<{ port: number; end: () => Promise<void> }> {
  const script = `
    import { choosePort } from ${JSON.stringify(resolve("sandbox/machine/ports.ts"))};
    console.log(await choosePort(${JSON.stringify(directory)}, "late", ${wanted}));
    process.stdin.resume();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] });
  choosers.add(child);
  const [line] = await once(child.stdout, "data");
  const end = async (): Promise<void> => {
    child.stdin.end();
    await once(child, "close");
  };
  return { port: Number(line), end };
}

async function occupy(port: number, host = "127.0.0.1"): Promise<number> {
  const server = createServer().listen(port, host);
  servers.add(server);
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

async function freePort(): Promise<number> {
  const port = await occupy(0);
  for (const server of servers) server.close();
  servers.clear();
  return port;
}
