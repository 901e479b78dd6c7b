import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { identify, isAlive, markedPids } from "../../../../sandbox/machine/process-identity.ts";
import {
  listProcesses,
  logPath,
  startProcess,
  stopAllProcesses,
  stopProcess,
  type ProcessSpec,
} from "../../../../sandbox/machine/process.ts";

let stateDir: string;

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "process-test-"));
});

afterEach(async () => {
  await stopAllProcesses(stateDir);
  rmSync(stateDir, { recursive: true });
});

describe("startProcess", () => {
  test("waits until the process is ready and writes its output to a log file", async () => {
    await startProcess(stateDir, shell("echo hello; touch ready; sleep 60"));
    expect(readFileSync(logPath(stateDir, "trial"), "utf8")).toBe("hello\n");
    expect(listProcesses(stateDir)).toMatchObject([{ name: "trial", running: true }]);
    expect(listProcesses(stateDir)[0]?.residentBytes).toBeGreaterThan(100_000);
  });

  test("keeps a process that runs already", async () => {
    await startProcess(stateDir, shell("touch ready; sleep 60"));
    const first = pidOf("trial");
    await startProcess(stateDir, shell("touch ready; sleep 60"));
    expect(pidOf("trial")).toBe(first);
  });

  test("replaces a process whose arguments have changed", async () => {
    await startProcess(stateDir, shell("touch ready; sleep 60"));
    const first = identify(pidOf("trial"));
    await startProcess(stateDir, shell("touch ready; sleep 61"));
    expect(pidOf("trial")).not.toBe(first?.pid);
    expect(first && isAlive(first)).toBe(false);
  });

  test("tells the last lines of the log when the process ends before it is ready", async () => {
    writeLog("an older run\n");
    await expect(startProcess(stateDir, shell("echo no such database >&2; exit 3"))).rejects.toThrow(
      /^Process "trial" \(sh\) ended before it was ready\.\nLast lines of .*trial\.log:\n {2}no such database$/,
    );
    expect(listProcesses(stateDir)).toEqual([]);
  });

  test("stops a process that is not ready in time, and tells the last answer of its probe", async () => {
    const spec = {
      ...shell("sleep 60"),
      readyTimeoutSeconds: 0.2,
      ready: () => Promise.reject(new Error("503 not yet")),
    };
    await expect(startProcess(stateDir, spec)).rejects.toThrow(
      /was not ready within 0\.2 s\. Last answer: 503 not yet\./,
    );
    expect(markedPids(stateDir)).toEqual([]);
  });

  test("bounds a probe that never answers", async () => {
    const spec = { ...shell("sleep 60"), readyTimeoutSeconds: 0.2, ready: () => new Promise<boolean>(() => undefined) };
    await expect(startProcess(stateDir, spec)).rejects.toThrow(/was not ready within 0\.2 s/);
  });

  test("sees a process that has died behind a probe that never answers", async () => {
    const ready = () => new Promise<boolean>(() => undefined);
    const spec = { ...shell("echo no such database >&2; exit 3"), readyTimeoutSeconds: 60, ready };
    await expect(startProcess(stateDir, spec)).rejects.toThrow("ended before it was ready");
  });

  test("tries again where somebody has its port for a moment", async () => {
    const script =
      "if [ -e tried ]; then touch ready; sleep 60; fi; touch tried; echo bind: address already in use >&2; exit 1";
    await startProcess(stateDir, shell(script));
    expect(readFileSync(logPath(stateDir, "trial"), "utf8")).toBe("bind: address already in use\n");
    expect(listProcesses(stateDir)).toMatchObject([{ name: "trial", running: true }]);
  });

  test("gives up where somebody keeps its port, and says so", async () => {
    const script = "echo port 8100 on 127.0.0.1 is taken >&2; exit 1";
    await expect(startProcess(stateDir, shell(script))).rejects.toThrow(
      /ended before it was ready\.\n.*:\n {2}port 8100 on 127/,
    );
    expect(readFileSync(logPath(stateDir, "trial"), "utf8").trimEnd().split("\n")).toHaveLength(5);
  });

  test("names a command that does not exist", async () => {
    await expect(startProcess(stateDir, { ...shell(""), command: "/no/such/command" })).rejects.toThrow(
      /"trial" does not start: \/no\/such\/command is missing or cannot be executed/,
    );
  });

  test("gives the process no more of the environment than PATH, HOME and TMPDIR", async () => {
    await startProcess(stateDir, { ...shell("env > environment; touch ready; sleep 60"), env: { EXTRA: "1" } });
    const names = readFileSync(join(stateDir, "environment"), "utf8").match(/^\w+(?==)/gm);
    expect(
      names?.filter((name) => !["PATH", "HOME", "TMPDIR", "PWD", "SHLVL", "OLDPWD", "_"].includes(name)).toSorted(),
    ).toEqual(["DELIVERY_SANDBOX_STATE", "EXTRA"]);
  });

  test("keeps logs and pid files from other users", async () => {
    await startProcess(stateDir, shell("touch ready; sleep 60"));
    expect([logPath(stateDir, "trial"), pidPath("trial")].map((path) => statSync(path).mode & 0o777)).toEqual([
      0o600, 0o600,
    ]);
  });
});

describe("stopping", () => {
  test("ends the whole process group", async () => {
    await startProcess(stateDir, shell("sleep 60 & sleep 60 & touch ready; wait"));
    await expect.poll(() => markedPids(stateDir).length).toBe(3);
    await stopProcess(stateDir, "trial");
    expect(markedPids(stateDir)).toEqual([]);
  });

  test("ends children that left the group, and processes whose pid file is lost", async () => {
    await startProcess(stateDir, shell("setsid sleep 60 & touch ready; sleep 60"));
    rmSync(pidPath("trial"));
    await stopAllProcesses(stateDir);
    expect(markedPids(stateDir)).toEqual([]);
  });

  test("ends the group of a leader that was killed, also when the process starts again", async () => {
    const spec = shell("sleep 60 & touch ready; wait");
    await startProcess(stateDir, spec);
    process.kill(pidOf("trial"), "SIGKILL");
    await expect.poll(() => markedPids(stateDir).length).toBe(1);
    await startProcess(stateDir, spec);
    await expect.poll(() => markedPids(stateDir).length).toBe(2);
    process.kill(pidOf("trial"), "SIGKILL");
    await stopProcess(stateDir, "trial");
    expect(markedPids(stateDir)).toEqual([]);
  });

  test("replaces a process whose starter was killed before it wrote the pid file", async () => {
    const spec = shell("touch ready; sleep 60");
    await startProcess(stateDir, spec);
    const lost = identify(pidOf("trial"));
    rmSync(pidPath("trial"));
    await startProcess(stateDir, spec);
    expect(lost && isAlive(lost)).toBe(false);
    expect(listProcesses(stateDir)).toMatchObject([{ running: true }]);
  });

  test("lets two processes with one command live side by side", async () => {
    const spec = shell("touch ready; sleep 60");
    await startProcess(stateDir, spec);
    await startProcess(stateDir, { ...spec, name: "other" });
    expect(listProcesses(stateDir)).toMatchObject([{ running: true }, { running: true }]);
  });

  test("stops in the reverse order of the start", async () => {
    for (const name of ["first", "second"]) {
      await startProcess(stateDir, {
        ...shell(
          `trap 'echo ${name} >> order; exit' TERM; touch ready-${name}; while :; do sleep 0.01; done`,
          `ready-${name}`,
        ),
        name,
      });
    }
    await stopAllProcesses(stateDir);
    expect(readFileSync(join(stateDir, "order"), "utf8")).toBe("second\nfirst\n");
  });

  test("never touches a foreign process that has got the number of an old one", async () => {
    await startProcess(stateDir, shell("touch ready; sleep 60"));
    const file: object = JSON.parse(readFileSync(pidPath("trial"), "utf8"));
    await stopProcess(stateDir, "trial");
    const foreign = spawn("sleep", ["60"]);
    await once(foreign, "spawn");
    writeFileSync(pidPath("trial"), JSON.stringify({ ...file, pid: foreign.pid }));
    expect(listProcesses(stateDir)).toMatchObject([{ name: "trial", running: false, residentBytes: 0 }]);
    await stopAllProcesses(stateDir);
    expect(foreign.exitCode).toBeNull();
    foreign.kill();
    expect(readdirSync(join(stateDir, "run"))).toEqual([]);
  });

  test("does nothing where there is nothing", async () => {
    await stopAllProcesses(join(stateDir, "missing"));
    await stopProcess(stateDir, "unknown");
    expect(listProcesses(stateDir)).toEqual([]);
  });
});

test("a process outlives the one that started it", async () => {
  const module = new URL("../../../../sandbox/machine/process.ts", import.meta.url).href;
  const script = `import { startProcess } from ${JSON.stringify(module)};
    await startProcess(${JSON.stringify(stateDir)}, { name: "trial", command: "sleep", args: ["60"], ready: async () => true });
    process.kill(-process.pid, "SIGKILL");`;
  const starter = spawn(process.execPath, ["--input-type=module", "-e", script], { detached: true });
  await once(starter, "exit");
  await sleep(50);
  expect(listProcesses(stateDir)).toMatchObject([{ name: "trial", running: true }]);
});

function shell(script: string, readyFile = "ready"): ProcessSpec {
  return {
    name: "trial",
    command: "sh",
    args: ["-c", script],
    ready: async () => readdirSync(stateDir).includes(readyFile),
    readyTimeoutSeconds: 5,
  };
}

function pidOf(name: string): number {
  return listProcesses(stateDir).find((process) => process.name === name)?.pid ?? 0;
}

function pidPath(name: string): string {
  return join(stateDir, "run", `${name}.json`);
}

function writeLog(text: string): void {
  mkdirSync(join(stateDir, "logs"));
  writeFileSync(logPath(stateDir, "trial"), text);
}
