import { expect, test } from "vitest";
import { gitCheck, gitFindings } from "../../../../cli/drift/git-check.ts";
import {
  initialMigrationImages,
  migrationImagesPath,
  previousImages,
  previousImagesPath,
} from "../../../../git/allowed-images.ts";
import { ownerFile } from "../../../../git/directory-owner.ts";
import { initialRecord, recordPath, recordWith } from "../../../../git/release-record.ts";

const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;

const manifests = {
  directory: "dev",
  stack: "delivery/dev",
  files: { "dev/link/service.yaml": "kind: Service\n" },
  records: {
    [recordPath("dev", "link")]: recordWith({ repository: "acme/shop-link", digest: one }),
    [previousImagesPath("dev", "link")]: previousImages([]),
    [migrationImagesPath("dev", "link")]: initialMigrationImages(),
  },
};
const owner = { stack: "delivery/dev", location: "", records: [] };
const files = {
  ...manifests.files,
  ...manifests.records,
  [recordPath("dev", "link")]: initialRecord("link"),
  [ownerFile("dev")]: "",
};

test.each<[what: string, changes: Record<string, string | undefined>, findings: [path: string, change: string][]]>([
  ["nothing", {}, []],
  [
    "another digest of the same image",
    { [recordPath("dev", "link")]: recordWith({ repository: "acme/shop-link", digest: two }) },
    [],
  ],
  ["an edited file", { "dev/link/service.yaml": "kind: Pod\n" }, [["dev/link/service.yaml", "was edited"]]],
  ["a deleted file", { "dev/link/service.yaml": undefined }, [["dev/link/service.yaml", "was deleted"]]],
  ["a file of others", { "dev/cart/x": "" }, [["dev/cart/x", "is not of this stack"]]],
  [
    "a deleted record",
    { [recordPath("dev", "link")]: undefined },
    [[recordPath("dev", "link"), "was deleted, so that nothing says what is to run"]],
  ],
  [
    "a record of another image",
    { [recordPath("dev", "link")]: recordWith({ repository: "evil/link", digest: two }) },
    [[recordPath("dev", "link"), "names the image evil/link instead of acme/shop-link"]],
  ],
  ["what ran before", { [previousImagesPath("dev", "link")]: previousImages([`acme/shop-link@${one}`]) }, []],
  [
    "a tag among what ran before",
    { [previousImagesPath("dev", "link")]: previousImages([`acme/shop-link@${one}`, "evil/link:latest"]) },
    [[previousImagesPath("dev", "link"), 'allows "evil/link:latest", which is no image by digest']],
  ],
  [
    "a list of images that is none",
    { [migrationImagesPath("dev", "link")]: "- acme/shop-link\n" },
    [[migrationImagesPath("dev", "link"), "is faulty: it must be a ConfigMap of images, or empty"]],
  ],
])("in Git, %s is found as what it is", (_what, changes, findings) => {
  const now = new Map(
    Object.entries({ ...files, ...changes }).flatMap(([path, text]) => (text === undefined ? [] : [[path, text]])),
  );
  expect(gitFindings(manifests, { files: now, owner })).toEqual(findings.map(([what, change]) => ({ what, change })));
});

test("in Git, a directory that is not ours any more is found", () => {
  const found = { files: new Map(Object.entries(files)) };
  expect(gitFindings(manifests, { ...found, owner: undefined })).toEqual([
    { what: "dev/.delivery.yaml", change: expect.stringMatching(/^is gone or cannot be read/) },
  ]);
  expect(gitFindings(manifests, { ...found, owner: { ...owner, stack: "other/dev" } })).toEqual([
    { what: "dev/.delivery.yaml", change: "says that the directory belongs to the stack other/dev" },
  ]);
});

test("what nobody has signed is one finding for each commit, however much that changed", async () => {
  const unsigned = (path: string, commit: string) => ({ path, commit, author: "Ada", problem: "is not signed" });
  const paths = [
    unsigned("dev/a", "1".repeat(40)),
    unsigned("dev/b", "2".repeat(40)),
    unsigned("dev/c", "1".repeat(40)),
  ];
  const status = { files: new Map(Object.entries(files)), owner };
  const check = await gitCheck(manifests, status, () => Promise.reject(new Error("nothing was edited")), paths);
  expect(check.findings).toEqual([
    { what: "dev/a and 1 more", change: "commit 1111111 by Ada, the last to change it, is not signed" },
    { what: "dev/b", change: "commit 2222222 by Ada, the last to change it, is not signed" },
  ]);
  expect(check.state).toBe("found");
});
