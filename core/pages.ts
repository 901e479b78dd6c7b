/** One page of a list that a server gives out in parts. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page is; `undefined`: this is the last one. */
  readonly next: string | undefined;
}

/** No list that is read here has so many pages; a server that goes on does not know its own end. */
const mostPages = 1_000;

/**
 * All items of a list. A list that leads back to a page that was read already, or has no end, is refused: following it would
 * last for ever, and flood the server.
 * @param list what it is of, for messages, e.g. `the tags of docker.io/acme/shop-link`
 * @param first the address of the first page
 * @throws Error that names the list
 */
export async function allPages<T>(
  list: string,
  first: string,
  read: (address: string) => Promise<Page<T>>,
): Promise<T[]> {
  const items: T[] = [];
  const seen = new Set<string>();
  for (let address: string | undefined = first; address !== undefined;) {
    if (seen.has(address))
      throw new Error(`${list}: the server's list leads from one page to one before it, and so has no end`);
    if (seen.size === mostPages)
      throw new Error(`${list}: the server's list goes on after ${mostPages} pages; no more are read`);
    seen.add(address);
    const page: Page<T> = await read(address);
    for (const item of page.items) items.push(item);
    address = page.next;
  }
  return items;
}
