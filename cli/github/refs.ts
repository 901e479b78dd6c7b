import { z } from "zod";
import { Connection } from "./connection.ts";
import type { GitHubOptions } from "./github.ts";

/** Tags and branches of one repository on GitHub, without a checkout; named without `refs/`, e.g. `tags/link/v1.0.0`. */
export interface GitHubRefs {
  /** One that is there already stays as it is. @returns whether it is there now, at this commit */
  create(name: string, commit: string): Promise<boolean>;
  /** The tags with this in their names, with the commits that they lead to: also those that are objects of their own. */
  tags(part: string): Promise<ReadonlyMap<string, string>>;
  /** Removes all whose name begins so; none is no error. @returns their names */
  removeAll(prefix: string): Promise<readonly string[]>;
}

export function openGitHubRefs({ repository, ...options }: GitHubOptions): GitHubRefs {
  const connection = new Connection(options);
  const root = `/repos/${repository}/git`;
  const path = (name: string): string => name.split("/").map(encodeURIComponent).join("/");
  return {
    async create(name, commit) {
      const title = `make ${name} of ${repository}`;
      const body = { ref: `refs/${name}`, sha: commit };
      const made = { title, method: "POST", path: `${root}/refs`, body, absent: [422], schema: refSchema } as const;
      if ((await connection.find(made)) !== undefined) return true;
      // An answer that was lost leaves it behind.
      const known = await connection.find({
        title: `read ${name} of ${repository}`,
        path: `${root}/ref/${path(name)}`,
        schema: refSchema,
      });
      return known?.object.sha === commit;
    },
    async tags(part) {
      const title = `list tags of ${repository}`;
      const found = await connection.list({ title, path: `${root}/matching-refs/tags/`, schema: z.array(refSchema) });
      const commitOf = async ({ type, sha }: GitObject): Promise<string> => {
        if (type !== "tag") return sha;
        const tag = await connection.call({ title, path: `${root}/tags/${sha}`, schema: tagSchema });
        return commitOf(tag.object);
      };
      const wanted = found.filter(({ ref }) => ref.includes(part));
      const names = wanted.map(
        async ({ ref, object }) => [ref.replace(/^refs\/tags\//, ""), await commitOf(object)] as const,
      );
      return new Map(await Promise.all(names));
    },
    async removeAll(prefix) {
      const found = await connection.list({
        title: `list ${prefix}… of ${repository}`,
        path: `${root}/matching-refs/${path(prefix)}`,
        schema: z.array(refSchema),
      });
      const names = found.map(({ ref }) => ref.replace(/^refs\//, ""));
      for (const name of names) {
        const title = `remove ${name} of ${repository}`;
        const refs = `${root}/refs/${path(name)}`;
        await connection.find({ title, method: "DELETE", path: refs, absent: [404, 422], schema: z.undefined() });
      }
      return names;
    },
  };
}

const objectSchema = z.object({ type: z.string(), sha: z.string() });
type GitObject = z.infer<typeof objectSchema>;
const refSchema = z.object({ ref: z.string(), object: objectSchema });
const tagSchema = z.object({ object: objectSchema });
