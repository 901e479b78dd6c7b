import { expect, test } from "vitest";
import { allPages, type Page } from "../../../core/pages.ts";

/** A server whose pages lead on as `next` says. */
function server(next: (address: string) => string | undefined) {
  const requests: string[] = [];
  const read = async (address: string): Promise<Page<string>> => {
    requests.push(address);
    return { items: [`item of ${address}`], next: next(address) };
  };
  return { requests, read };
}

test("all items of all pages, in order", async () => {
  const { read } = server((address) => (address === "3" ? undefined : String(Number(address) + 1)));
  expect(await allPages("the list", "1", read)).toEqual(["item of 1", "item of 2", "item of 3"]);
});

test.each<[name: string, next: (address: string) => string, requests: number, message: RegExp]>([
  [
    "a page that leads to itself",
    (address) => address,
    1,
    /the list: the server's list leads from one page to one before/,
  ],
  ["the first page again", (address) => ({ "1": "2", "2": "3" })[address] ?? "1", 3, /no end/],
  ["a circle behind the first page", (address) => ({ "1": "2", "2": "3" })[address] ?? "2", 3, /no end/],
  ["ever new pages", (address) => String(Number(address) + 1), 1000, /goes on after 1000 pages/],
])("%s has an end", async (_name, next, requests, message) => {
  const endless = server(next);
  await expect(allPages("the list", "1", endless.read)).rejects.toThrow(message);
  expect(endless.requests).toHaveLength(requests);
});
