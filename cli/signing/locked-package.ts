/** A package that a lock file names. */
export interface LockedPackage {
  /** As package URLs have it, e.g. `npm`. */
  readonly type: "golang" | "npm" | "cargo" | "pypi" | "composer";
  /** As the language writes it, e.g. `@scope/name` or `github.com/lib/pq`. */
  readonly name: string;
  readonly version: string;
  /** By CycloneDX's names of algorithms, in hex. */
  readonly hashes: Readonly<Partial<Record<"SHA-256" | "SHA-512", string>>>;
}

/** Source: https://www.w3.org/TR/SRI/ */
export function integrityHashes(integrity = ""): LockedPackage["hashes"] {
  const [, value] = /sha512-([A-Za-z0-9+/]+=*)/.exec(integrity) ?? [];
  return value === undefined ? {} : { "SHA-512": Buffer.from(value, "base64").toString("hex") };
}
