import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../core/atomic-file.ts";
import { outputOf, ProcessError, runProcess } from "../../../core/process.ts";
import { quoteForShell } from "../../../core/shell.ts";

test("what goes in comes out", async () => {
  expect(await outputOf("cat", [], { input: "a\nb" })).toBe("a\nb");
});

test("who reads without being given anything finds the end at once", async () => {
  expect(await outputOf("cat", [])).toBe("");
});

test("Bash reads no startup file", async () => {
  using home = temporaryDirectory("delivery-home-");
  writeFileSync(join(home.path, ".bashrc"), "echo startup\n");
  const env = { PATH: process.env["PATH"], HOME: home.path };
  expect(await outputOf("bash", ["-c", "echo script"], { env })).toBe("script\n");
});

test("lines come one by one, from both streams", async () => {
  const lines: string[] = [];
  const { stdout, stderr } = await runProcess("sh", ["-c", "echo one; echo two >&2; printf three"], {
    onLine: (line, stream) => lines.push(`${stream} ${line}`),
  });
  expect(lines.toSorted()).toEqual(["stderr two", "stdout one", "stdout three"]);
  expect([stdout.toString(), stderr.toString()]).toEqual(["one\nthree", "two\n"]);
});

test("a failure has the exit status and what was written", async () => {
  const failure = await outputOf("sh", ["-c", "echo no such thing >&2; exit 3"]).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ProcessError);
  expect(failure).toMatchObject({ code: 3, message: "sh failed with exit status 3: no such thing" });
});

test("a program that is not there is an error with its name", async () => {
  await expect(runProcess("no-such-program", [])).rejects.toThrow("no-such-program");
});

test("a signal that ends it is named", async () => {
  expect(await runProcess("sh", ["-c", "kill -KILL $$"])).toMatchObject({ code: null, signal: "SIGKILL" });
});

test("its time is over, also for a child of it that holds the output open", async () => {
  const ended = await runProcess("sh", ["-c", "sleep 60 & sleep 60"], { timeoutSeconds: 0.2 });
  expect(ended).toMatchObject({ code: null, timedOut: true });
});

test("an abort stops it, and is what is thrown", async () => {
  const abort = new AbortController();
  const running = runProcess("sleep", ["60"], { signal: abort.signal });
  abort.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
});

test("what is stopped can still write while it cleans up", async () => {
  using directory = temporaryDirectory("delivery-process-");
  const file = join(directory.path, "cleaned-up");
  const abort = new AbortController();
  const script = `trap 'echo cleaning up; echo yes >${file}; exit' TERM; echo started; while :; do sleep 0.02; done`;
  const onLine = (line: string): void => {
    if (line === "started") abort.abort(new Error("enough"));
  };
  await expect(runProcess("sh", ["-c", script], { signal: abort.signal, onLine })).rejects.toThrow("enough");
  expect(readFileSync(file, "utf8")).toBe("yes\n");
});

test.each(["plain", "it's", "$HOME `id`", "a\nb", "\\", ""])("a shell reads %j as one word", async (text) => {
  expect(await outputOf("sh", ["-c", `printf %s ${quoteForShell(text)}`])).toBe(text);
});
