import { expect, test, vi } from "vitest";
import { isAlive, identify, type Identity } from "../../../sandbox/machine/process-identity.ts";
import { runSideBySide, type NamedCommand } from "../../support/side-by-side.ts";

const never = new AbortController().signal;
const script = (name: string, text: string): NamedCommand => ({ name, program: "bash", args: ["-c", text] });

/** Says who it is, and starts a process that outlives it. */
const long = script("long", "setsid sleep 1004 & echo left $!; echo self $$; wait");

/** Runs commands beside the long one. `then` is called once that has said who it is. */
async function runBesideLong(
  other: NamedCommand,
  signal: AbortSignal,
  then: (self: number) => void,
): Promise<{ failed: string[]; lines: string[]; left: Identity[] }> {
  const lines: string[] = [];
  const left: Identity[] = [];
  const failed = await runSideBySide(
    [long, other],
    (line) => {
      lines.push(line);
      const [, who, pid = ""] = /^long \| (left|self) (\d+)$/.exec(line) ?? [];
      const found = identify(Number(pid));
      if (found !== undefined) left.push(found);
      if (who === "self") then(Number(pid));
    },
    signal,
  );
  return { failed, lines, left };
}

test("each runs to its end, whatever becomes of the others, and says whose lines they are", async () => {
  const lines: string[] = [];
  const failed = await runSideBySide(
    [script("one", "echo begins; exit 3"), script("two", "sleep 0.2; echo goes on >&2"), script("three", "exit 1")],
    (line) => lines.push(line),
    never,
  );
  expect(failed).toEqual(["one", "three"]);
  expect(lines.toSorted()).toEqual([
    "one | begins",
    "one | ended by exit status 3",
    "three | ended by exit status 1",
    "two | goes on",
  ]);
});

test("no more run at the same time than are to, and the others follow in their order", async () => {
  const lines: string[] = [];
  const say = (name: string): NamedCommand => script(name, "echo begins; sleep 0.3; echo ends");
  const failed = await runSideBySide(["one", "two", "three"].map(say), (line) => lines.push(line), never, 1);
  expect(failed).toEqual([]);
  expect(lines).toEqual(["one", "two", "three"].flatMap((name) => [`${name} | begins`, `${name} | ends`]));
});

test("what waits for its turn is not started once one was killed, and counts as failed", async () => {
  const lines: string[] = [];
  const failed = await runSideBySide(
    [script("one", "kill -KILL $$"), script("two", "echo begins")],
    (line) => lines.push(line),
    never,
    1,
  );
  expect(failed).toEqual(["one", "two"]);
  expect(lines).toEqual(["one | ended by SIGKILL"]);
});

test("one that is killed takes the others with it, and nothing of theirs is left", async () => {
  const other = script("other", "setsid sleep 1005 & sleep 1006");
  const { failed, lines, left } = await runBesideLong(other, never, (self) => process.kill(self, "SIGKILL"));
  expect(failed).toEqual(["long", "other"]);
  expect(lines).toEqual(expect.arrayContaining(["long | ended by SIGKILL", "other | ended with the others"]));
  expect(left).toHaveLength(2);
  await vi.waitFor(() => expect(left.filter(isAlive)).toEqual([]), { timeout: 30_000 });
});

test("one that tells by its status that a signal has ended it takes the others with it", async () => {
  const { failed, lines } = await runBesideLong(script("other", "exit 143"), never, () => undefined);
  expect(failed).toEqual(["long", "other"]);
  expect(lines).toEqual(expect.arrayContaining(["other | ended by exit status 143", "long | ended with the others"]));
});

test("one that cannot be started takes the others with it", async () => {
  const missing = { name: "missing", program: "/nonexistent", args: [] };
  const { failed, lines } = await runBesideLong(missing, never, () => undefined);
  expect(failed).toEqual(["long", "missing"]);
  expect(lines).toContain("long | ended with the others");
});

test("an interruption ends all of them", async () => {
  const interruption = new AbortController();
  const { failed, lines, left } = await runBesideLong(script("other", "sleep 1007"), interruption.signal, () =>
    interruption.abort(new Error("stopped by SIGTERM")),
  );
  expect(failed).toEqual(["long", "other"]);
  expect(lines).toEqual(expect.arrayContaining(["long | ended with the others", "other | ended with the others"]));
  await vi.waitFor(() => expect(left.filter(isAlive)).toEqual([]), { timeout: 30_000 });
});
