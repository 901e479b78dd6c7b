import { describe, expect, test } from "vitest";
import { plainSchedule, scheduleProblem, timeZoneProblem } from "../../../core/cron.ts";

describe("a schedule", () => {
  test.each([
    ["* * * * *"],
    ["*/5 * * * *"],
    ["5/15 * * * *"],
    ["0 0 * * mon-FRI"],
    ["0,30 8-18/2 1,15 jan,JUL ?"],
    ["30  2 * * 0"],
    ["@daily"],
    ["@annually"],
    // Leap years have it.
    ["0 0 29 2 *"],
    // Either day is enough, and a step means that not every one is.
    ["0 0 31 2 1"],
    ["0 0 31 2 */2"],
    ["0 0 31 feb,mar *"],
  ])("%s is fine", (text) => expect(scheduleProblem(text)).toBeUndefined());

  test.each([
    ["0 0 * * * *", "Has 6 fields; it takes five: minute, hour, day of the month, month, day of the week"],
    ["", "Has 0 fields"],
    ["60 * * * *", 'Its minute "60" is none: it takes 0 to 59'],
    ["0 24 * * *", 'Its hour "24" is none: it takes 0 to 23'],
    ["0 0 0 * *", 'Its day of the month "0" is none: it takes 1 to 31'],
    ["0 0 * 13 *", 'Its month "13" is none: it takes 1 to 12'],
    ["0 0 * * 7", 'Its day of the week "7" is none: it takes 0 to 6'],
    ["0 0 L * *", 'Its day of the month "L" is none'],
    ["0 0 * mon *", 'Its month "mon" is none'],
    ["10-5 * * * *", 'Its minute "10-5" ends before it begins'],
    ["*/0 * * * *", 'Its minute "*/0" has a step of 0'],
    ["0 0 31 2 *", "Never comes"],
    ["0 0 31 4,6,9,11 *", "Never comes"],
    ["0 0 31 2 1,*", "Never comes"],
    ["@every 5m", "Is no schedule; the words that there are: @yearly"],
    ["CRON_TZ=Europe/Berlin 0 0 * * *", "Has a time zone in it, which Kubernetes refuses; say it in `timeZone`"],
  ])("%s is refused", (text, reason) => expect(scheduleProblem(text)).toContain(reason));
});

test.each([
  ["@weekly", "0 0 * * 0"],
  ["5/20  */90 * jan,MAR *", "5,25,45 0 * 1,3 *"],
  ["0,30,0 8-18/5 ? * mon-fri", "0,30 8,13,18 * * 1,2,3,4,5"],
  // A step of one is no step, and one of a list that takes any day is enough.
  ["*/1 * */1 * 1", "* * * * 1"],
  ["0 0 *,1 * ?/1,3", "0 0 * * *"],
  // A list of all days is a list: with a day of the week, either is enough.
  ["0 0 1-31/2 * */2", "0 0 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 * 0,2,4,6"],
])("%s is %s", (text, plain) => {
  expect(scheduleProblem(text)).toBeUndefined();
  expect(plainSchedule(text)).toBe(plain);
});

describe("a time zone", () => {
  test.each([
    ["Europe/Berlin"],
    ["Etc/UTC"],
    ["UTC"],
    ["America/Port_of_Spain"],
    ["Asia/Kolkata"],
    ["Asia/Calcutta"],
    ["America/Argentina/ComodRivadavia"],
    ["Australia/ACT"],
    ["US/Pacific"],
    ["EST"],
    ["PST8PDT"],
    ["Etc/GMT+5"],
  ])("%s is fine", (name) => expect(timeZoneProblem(name)).toBeUndefined());
  test.each([
    ["europe/berlin", "is spelled Europe/Berlin"],
    ["utc", "is spelled UTC"],
    ["us/pacific", "is no time zone"],
    // Node.js knows these, and Go does not.
    ["IST", "is no time zone"],
    ["PST", "is no time zone"],
    ["SystemV/PST8PDT", "is no time zone"],
    ["US/Pacific-New", "is no time zone"],
    ["Local", "is no time zone"],
    ["+01:00", "is no time zone"],
    ["Mars/Olympus", "is no time zone"],
    ["", "is no time zone"],
  ])("%s is refused", (name, reason) => expect(timeZoneProblem(name)).toContain(reason));
});
