import type { GitHub, IssueComment } from "./github.ts";

/** The first line of a comment that a command keeps up to date; readers do not see it. `name` is e.g. `preview`. */
export function commentMarker(name: string): string {
  return `<!-- delivery:${name} -->`;
}

/** How the marker of every comment of `delivery preview` begins. */
export const previewMarker = "<!-- delivery:preview ";

/** A pull request has one preview for each chain of environments. @param first the first of them */
export function previewMarkerOf(first: string): string {
  return commentMarker(`preview ${first}`);
}

/**
 * The comments with a marker that the token's owner has written, the oldest first. Others may write the marker, too; their
 * comments are never written over, since they could change them afterwards.
 */
export async function ownComments(github: GitHub, number: number, marker: string): Promise<IssueComment[]> {
  const marked = (await github.comments(number)).filter(({ body }) => body.startsWith(marker));
  if (marked.length === 0) return [];
  const login = await github.login();
  return marked.filter(({ author }) => (login === undefined ? author?.type === "Bot" : author?.login === login));
}

/**
 * Writes the one comment with the marker, or changes the one that is there. A second one, which a request has left that was
 * sent again because its answer came too late, is deleted.
 */
export async function putStickyComment(
  github: GitHub,
  number: number,
  marker: string,
  text: string,
): Promise<IssueComment> {
  const [first, ...more] = await ownComments(github, number, marker);
  const body = `${marker}\n${text}`;
  const written =
    first === undefined
      ? await github.createComment(number, body)
      : first.body === body
        ? first
        : await github.updateComment(first.id, body);
  for (const { id } of more) await github.deleteComment(id);
  return written;
}
