import { badRequest } from "./api-error.ts";
import { ok } from "./router.ts";
import type { ApiRequest, ApiResponse, Json } from "./router.ts";

const pageSize = 20;

/** One page of a list, with the token of the next one. */
export function page(request: ApiRequest, items: readonly Json[]): ApiResponse {
  const start = offsetOf(request.query.get("page-token") ?? "");
  const end = start + pageSize;
  return ok({ items: items.slice(start, end), next_page_token: end < items.length ? tokenOf(end) : null });
}

function tokenOf(offset: number): string {
  return Buffer.from(`offset:${offset}`).toString("base64url");
}

function offsetOf(token: string): number {
  if (token === "") return 0;
  const offset = /^offset:(\d+)$/.exec(Buffer.from(token, "base64url").toString())?.[1];
  if (offset === undefined) throw badRequest("page-token is invalid.");
  return Number(offset);
}
