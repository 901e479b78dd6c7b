import { ok, type ApiRequest, type ApiResponse } from "./router.ts";
import type { Json } from "./state.ts";

const usualSize = 30;
const largestSize = 100;

/** One page of a list, with links to the others. */
export function page(request: ApiRequest, items: readonly Json[]): ApiResponse {
  const { size, number } = wantedPage(request);
  const last = Math.max(1, Math.ceil(items.length / size));
  const link = (rel: string, to: number): string => {
    const url = new URL(request.url);
    url.searchParams.set("page", String(to));
    return `<${url.href}>; rel="${rel}"`;
  };
  const links = [
    ...(number > 1 ? [link("prev", number - 1)] : []),
    ...(number < last ? [link("next", number + 1), link("last", last)] : []),
    ...(number > 1 ? [link("first", 1)] : []),
  ];
  return ok(items.slice((number - 1) * size, number * size), links.length === 0 ? {} : { link: links.join(", ") });
}

/** What is no number counts as not given, as at GitHub. */
function wantedPage({ url: { searchParams } }: ApiRequest): { size: number; number: number } {
  const number = (name: string, usual: number): number => {
    const value = Number(searchParams.get(name) ?? "");
    return Number.isInteger(value) && value > 0 ? value : usual;
  };
  return { size: Math.min(number("per_page", usualSize), largestSize), number: number("page", 1) };
}
