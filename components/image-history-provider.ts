import { isDeepStrictEqual } from "node:util";
import { isMap } from "../core/yaml.ts";

/** As `ImageHistory` declares it: the images that pods are to have, by whose pods they are. */
export interface ImageHistoryInputs {
  images: Readonly<Record<string, readonly string[]>>;
  /** Added by `check`, so that a preview knows it, too. */
  history?: Readonly<Record<string, readonly string[]>>;
}

/** The life of `ImageHistory`: what Pulumi's dynamic provider calls. All that it knows lies in the state. */
export const imageHistoryProvider = { check, diff, create, update };

/** Several updates may fail one after the other while the pods of the first one still run. */
const keptImages = 9;

/** The images of now come first, then those that were there before. */
async function check(olds: Partial<ImageHistoryInputs>, news: ImageHistoryInputs) {
  const images = isMap(news.images) ? news.images : {};
  const history = Object.fromEntries(
    Object.entries(images).map(([owner, declared]) => {
      // What only the update will know is one text, whatever it stands for.
      const now = Array.isArray(declared) ? (declared as string[]) : [String(declared)];
      const before = (olds.history?.[owner] ?? []).filter((image) => !now.includes(image));
      return [owner, [...now, ...before.slice(0, keptImages)]];
    }),
  );
  return { inputs: { ...news, history }, failures: [] };
}

async function diff(_id: string, olds: ImageHistoryInputs, news: ImageHistoryInputs) {
  return { changes: !isDeepStrictEqual(olds.history, news.history) };
}

async function create(inputs: ImageHistoryInputs) {
  return { id: "image-history", outs: inputs };
}

async function update(_id: string, _olds: ImageHistoryInputs, news: ImageHistoryInputs) {
  return { outs: news };
}
