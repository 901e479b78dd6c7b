import { describe, expect, test } from "vitest";
import { closedAt } from "../../../../cli/release/windows.ts";
import { windowsSchema } from "../../../../stacks/windows-schema.ts";

const berlin = { schedule: "0 9 * * 1-5", timeZone: "Europe/Berlin", hours: 8 };
const closed = (settings: Parameters<typeof closedAt>[0], now: string): string | undefined => {
  const found = closedAt(settings, new Date(now));
  return found && `${found.until.toISOString()} ${found.reason}`;
};

describe("a window", () => {
  test.each([
    ["is open from its first minute", "2026-11-30T08:00:00Z", undefined],
    ["to its last second", "2026-11-30T15:59:59Z", undefined],
    [
      "and closed from then on, until the next day",
      "2026-11-30T16:00:00Z",
      "2026-12-01T08:00:00.000Z no window is open",
    ],
    ["or until Monday", "2026-12-04T18:00:00Z", "2026-12-07T08:00:00.000Z no window is open"],
    ["goes by the clocks of its zone, in summer", "2026-07-01T06:59:00Z", "2026-07-01T07:00:00.000Z no window is open"],
  ])("%s: %s", (_what, now, expected) => {
    expect(closed({ windows: [berlin] }, now)).toBe(expected);
  });

  test("is as long as it says where clocks change within it", () => {
    // At 2026-03-29T01:00Z the clocks of Berlin go from 2 to 3 o'clock, at 2026-10-25T01:00Z from 3 to 2.
    const night = [{ schedule: "0 0 * * *", timeZone: "Europe/Berlin", hours: 6 }];
    expect([
      closed({ windows: night }, "2026-03-29T04:59:59Z"),
      closed({ windows: night }, "2026-03-29T05:00:00Z"),
    ]).toEqual([undefined, "2026-03-29T22:00:00.000Z no window is open"]);
    expect([
      closed({ windows: night }, "2026-10-25T03:59:59Z"),
      closed({ windows: night }, "2026-10-25T04:00:00Z"),
    ]).toEqual([undefined, "2026-10-25T23:00:00.000Z no window is open"]);
  });

  test.each([["30 2 * * *"], ["30 2,14 * * *"], ["30 2/12 * * *"]])(
    "%s, of which the clocks leave a time out, opens all the same, and once where it comes twice",
    (schedule) => {
      const half = [{ schedule, timeZone: "Europe/Berlin", hours: 0.5 }];
      const open = (...times: string[]): boolean[] => times.map((now) => closed({ windows: half }, now) === undefined);
      expect(open("2026-03-29T00:59:59Z", "2026-03-29T01:15:00Z")).toEqual([false, true]);
      // 02:30 comes at 00:30Z and again at 01:30Z.
      expect(open("2026-10-25T00:45:00Z", "2026-10-25T01:45:00Z").filter(Boolean)).toHaveLength(1);
    },
  );

  test.each([
    ["a number with a step", "5/20 9 * * *", "2026-11-30T09:25:00.000Z"],
    ["a step beyond the end", "*/90 9-17/30 * * *", "2026-12-01T09:00:00.000Z"],
    ["a step of one, which leaves the choice to the day of the week", "0 9 */1 * 2", "2026-12-01T09:00:00.000Z"],
    ["a list that takes any day", "0 9 *,1 * 4", "2026-12-03T09:00:00.000Z"],
    ["days of which either is enough", "0 9 */2 * 3", "2026-12-01T09:00:00.000Z"],
    ["days in words", "0 9 ? dec Thu", "2026-12-03T09:00:00.000Z"],
  ])("opens at all that a schedule of Kubernetes may say: %s, %s", (_what, schedule, next) => {
    // A Monday.
    const windows = windowsSchema.parse([{ schedule, hours: 0.25 }]);
    expect(closed({ windows }, "2026-11-30T09:20:00Z")).toBe(`${next} no window is open`);
  });

  test("is open where one of several is", () => {
    const sunday = { schedule: "0 20 * * 0", timeZone: "Etc/UTC", hours: 2 };
    expect(closed({ windows: [berlin, sunday] }, "2026-12-06T21:00:00Z")).toBeUndefined();
    expect(closed({ windows: [berlin, sunday] }, "2026-12-06T19:00:00Z")).toBe(
      "2026-12-06T20:00:00.000Z no window is open",
    );
  });
});

describe("a freeze", () => {
  const freeze = { reason: "Christmas", from: "2026-12-20T00:00:00Z", until: "2026-12-27T12:00:00+01:00" };

  test.each([
    ["2026-12-19T23:59:59Z", undefined],
    ["2026-12-20T00:00:00Z", "2026-12-27T11:00:00.000Z it is frozen: Christmas"],
    ["2026-12-27T11:00:00Z", undefined],
  ])("closes from its beginning to its end: %s", (now, expected) => {
    expect(closed({ freeze }, now)).toBe(expected);
  });

  test("is followed by the next window, and one that comes meanwhile counts", () => {
    // The 27th is a Sunday.
    expect(closed({ freeze, windows: [berlin] }, "2026-12-22T10:00:00Z")).toBe(
      "2026-12-28T08:00:00.000Z it is frozen: Christmas, and then no window is open",
    );
    expect(closed({ freeze, windows: [berlin] }, "2026-12-18T20:00:00Z")).toBe(
      "2026-12-28T08:00:00.000Z no window is open, and then it is frozen: Christmas",
    );
  });
});

test("without either it is always open", () => {
  expect(closed({}, "2026-11-30T03:00:00Z")).toBeUndefined();
});
