import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { FileEdit } from "../../../../../sandbox/commands/demo/developer-clone.ts";
import { badEdit, labelEdit, nextVersion, withNextLabel } from "../../../../../sandbox/commands/demo/edit.ts";

test("counts a version up", () => expect(nextVersion('const version = "1.0.9"')).toBe('const version = "1.0.10"'));

test.each<[what: string, dockerfile: string, target: string | undefined, changed: string]>([
  ["the end", "FROM a\nCMD x\n", undefined, 'FROM a\nCMD x\nLABEL delivery.demo="1"\n'],
  ["the last stage", "FROM a AS b\nFROM c\n\n\n", undefined, 'FROM a AS b\nFROM c\nLABEL delivery.demo="1"\n'],
  [
    "its stage",
    "FROM a as Web\nRUN x\nfrom c AS d\n",
    "web",
    'FROM a as Web\nRUN x\nLABEL delivery.demo="1"\nfrom c AS d\n',
  ],
  ["its stage, the last one", "FROM a AS b\nFROM c AS d\n", "d", 'FROM a AS b\nFROM c AS d\nLABEL delivery.demo="1"\n'],
  ["what is there", 'FROM a\nLABEL delivery.demo="9"\nCMD x\n', undefined, 'FROM a\nLABEL delivery.demo="10"\nCMD x\n'],
])("a service of any language gets a label at %s", (_what, dockerfile, target, changed) => {
  expect(withNextLabel(dockerfile, target)).toBe(changed);
});

test("its Dockerfile is named from the root of the repository, wherever the monorepo is in it", () => {
  const service = { name: "cart", dockerfile: ".sandbox/monorepo/source/apps/svc/cart/Dockerfile", target: undefined };
  expect(labelEdit(service, ".sandbox/monorepo/source/apps", "apps/")).toMatchObject({
    service: "cart",
    file: "apps/svc/cart/Dockerfile",
  });
});

test("the bad edit of the example is of what is there, another program each time, and undone but for its version", () => {
  const apply = (edits: readonly FileEdit[], files: ReadonlyMap<string, string>) =>
    new Map([...files, ...edits.map(({ file, change }) => [file, change(files.get(file) ?? "")] as const)]);
  const version = badEdit.edits[0].file;
  const good = new Map([badEdit.file, version].map((file) => [file, readFileSync(file, "utf8")]));
  const bad = apply(badEdit.edits, good);
  expect(bad.get(badEdit.file)).toContain("\nvar overviews = make(chan struct{}, 40)\n");
  expect(bad.get(badEdit.file)).toContain("defer cancel()\n\tselect {\n\tcase overviews <- struct{}{}:\n");
  const reverted = apply(badEdit.undo, bad);
  expect(reverted.get(badEdit.file)).toBe(good.get(badEdit.file));
  expect(reverted.get(version)).toBe(nextVersion(good.get(version) ?? ""));
  expect(apply(badEdit.edits, reverted)).not.toEqual(bad);
  // One that was broken off has left the bad edit there.
  expect(apply(badEdit.edits, bad).get(badEdit.file)).toBe(bad.get(badEdit.file));
});
