import { linkSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/**
 * Restores a `node_modules` by links to its packages, since making its tens of thousands of files anew takes longer than most
 * steps. Nothing writes into an installed package. A directory that holds links of its own, such as a scope with a package
 * of the checkout, is made, so that these count from where it is.
 */
export function linkPackages(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    const [source, target] = [join(from, name), join(to, name)];
    const found = lstatSync(source);
    if (found.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else if (found.isFile()) linkSync(source, target);
    else if (holdsLinks(source)) linkPackages(source, target);
    else symlinkSync(source, target);
  }
}

function holdsLinks(directory: string): boolean {
  return readdirSync(directory, { withFileTypes: true }).some((entry) => entry.isSymbolicLink());
}
