import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  gitManifestsProvider as provider,
  type GitManifestsInputs,
} from "../../../components/git-manifests-provider.ts";
import { BareRepository } from "../../support/bare-repository.ts";
import { sshKeyPair } from "../../support/signing-keys.ts";

let repository: BareRepository;
beforeEach(() => {
  repository = new BareRepository();
});
afterEach(() => repository[Symbol.dispose]());

const manifest = "dev/link/deployment.yaml";
const record = "dev/link/release/kustomization.yaml";
const note = "dev/.delivery.yaml";

function inputs(changes: Partial<GitManifestsInputs> = {}): GitManifestsInputs {
  return {
    repository: repository.url,
    branch: "main",
    directory: "dev",
    files: { [manifest]: "replicas: 1\n", "dev/user/deployment.yaml": "replicas: 1\n" },
    records: { [record]: "initial\n" },
    message: "deploy(dev): manifests",
    stack: "delivery/dev",
    ...changes,
  };
}

describe("create", () => {
  test("writes manifests and records by one commit", async () => {
    const { id, outs } = await provider.create(inputs());
    expect(id).toBe(`${repository.url}#main:dev`);
    expect(outs).toEqual({ ...inputs(), commit: repository.git("rev-parse", "main") });
    expect(repository.files()).toMatchObject({ ...inputs().files, ...inputs().records });
    expect(repository.git("log", "--format=%B")).toBe("deploy(dev): manifests\n\nStack: delivery/dev");
  });

  test("after a kill between push and state: finds all of it there, and commits nothing", async () => {
    const first = await provider.create(inputs());
    expect((await provider.create(inputs())).outs).toEqual(first.outs);
    expect(repository.subjects()).toHaveLength(1);
    await provider.delete(first.id, first.outs);
    expect(repository.files()).toEqual({});
  });

  test("leaves a record that is there already, also at the end", async () => {
    repository.commit({ [record]: "released\n" });
    const { id, outs } = await provider.create(inputs());
    expect(repository.files()[record]).toBe("released\n");
    await provider.delete(id, outs);
    expect(repository.files()).toEqual({ [record]: "released\n" });
  });

  test("refuses the directory of another stack", async () => {
    await provider.create(inputs({ stack: "delivery/other" }));
    await expect(provider.create(inputs())).rejects.toThrow(
      `dev on branch main of ${repository.url} belongs to the stack delivery/other; nothing was changed. Choose another branch or environment, or delete ${note} there`,
    );
    expect(repository.subjects()).toHaveLength(1);
  });
});

describe("update", () => {
  test("changes, adds and removes files by one commit, and leaves released records and others' files", async () => {
    const { id, outs } = await provider.create(inputs());
    repository.commit({ [record]: "released\n", "dev/notes.txt": "by hand", "staging/x": "x" });
    const news = inputs({ files: { [manifest]: "replicas: 2\n", "dev/news/deployment.yaml": "new\n" } });
    const updated = await provider.update(id, outs, news);
    expect(updated.outs.commit).toBe(repository.git("rev-parse", "main"));
    const { [note]: _, ...files } = repository.files();
    expect(files).toEqual({ ...news.files, [record]: "released\n", "dev/notes.txt": "by hand", "staging/x": "x" });
    expect(repository.subjects()).toHaveLength(3);
  });

  test("a service that is gone takes its record along", async () => {
    const { id, outs } = await provider.create(inputs());
    repository.commit({ [record]: "released\n" });
    await provider.update(id, outs, inputs({ files: { "dev/user/deployment.yaml": "replicas: 1\n" }, records: {} }));
    expect(Object.keys(repository.files()).toSorted()).toEqual([note, "dev/user/deployment.yaml"]);
  });

  test("a new service gets its record", async () => {
    const { id, outs } = await provider.create(inputs());
    await provider.update(
      id,
      outs,
      inputs({ records: { ...inputs().records, "dev/user/release/kustomization.yaml": "initial user\n" } }),
    );
    expect(repository.files()).toMatchObject({
      [record]: "initial\n",
      "dev/user/release/kustomization.yaml": "initial user\n",
    });
  });

  test("a stack that is renamed keeps its directory", async () => {
    const { id, outs } = await provider.create(inputs());
    await provider.update(id, outs, inputs({ stack: "delivery/development" }));
    expect(repository.files()[note]).toContain('stack: "delivery/development"');
  });
});

describe("read", () => {
  test("shows what others have changed and removed, file by file, and nothing of the records", async () => {
    const { id, outs } = await provider.create(inputs());
    repository.commit({ [manifest]: "replicas: 9\n", "dev/user/deployment.yaml": undefined, [record]: "released\n" });
    const { props, inputs: read } = await provider.read(id, outs);
    expect(props).toEqual({ ...outs, files: { [manifest]: "replicas: 9\n" } });
    expect(read).toEqual(inputs({ files: { [manifest]: "replicas: 9\n" } }));
    expect((await provider.diff(id, props, inputs())).changes).toBe(true);
    await provider.update(id, props, inputs());
    expect(repository.files()).toMatchObject({ ...inputs().files, [record]: "released\n" });
  });

  test("without drift there is no difference", async () => {
    const { id, outs } = await provider.create(inputs());
    expect((await provider.read(id, outs)).props).toEqual(outs);
  });

  test("a branch that is gone is drift of every file", async () => {
    const { id, outs } = await provider.create(inputs());
    repository.git("update-ref", "-d", "refs/heads/main");
    expect((await provider.read(id, outs)).props.files).toEqual({});
  });
});

describe("delete", () => {
  test("removes the own files and records, and leaves everything else", async () => {
    repository.commit({ README: "hello", "dev/notes.txt": "by hand" });
    const { id, outs } = await provider.create(inputs());
    repository.commit({ [record]: "released\n" });
    await provider.delete(id, outs);
    expect(repository.files()).toEqual({ README: "hello", "dev/notes.txt": "by hand" });
  });

  test("twice, or on a branch that is gone, is nothing", async () => {
    const { id, outs } = await provider.create(inputs());
    await provider.delete(id, outs);
    await provider.delete(id, outs);
    repository.git("update-ref", "-d", "refs/heads/main");
    await provider.delete(id, outs);
    expect(repository.branches()).toEqual([]);
  });

  test("the same repository under a new URL keeps its files when the old one is deleted", async () => {
    const old = await provider.create(inputs());
    await provider.create(inputs({ repository: `${repository.url}/` }));
    await provider.delete(old.id, old.outs);
    expect(repository.files()).toMatchObject({ ...inputs().files, ...inputs().records });
  });
});

describe("diff", () => {
  const diff = (news: Partial<GitManifestsInputs>) => provider.diff("id", { ...inputs(), commit: "c" }, inputs(news));

  test.each<[change: string, news: Partial<GitManifestsInputs>, changes: boolean]>([
    ["nothing", {}, false],
    ["another message", { message: "x" }, false],
    ["another content of a record that is there", { records: { [record]: "other\n" } }, false],
    ["another content", { files: { [manifest]: "replicas: 2\n" } }, true],
    ["a new record", { records: { [record]: "initial\n", "dev/user/release/kustomization.yaml": "x" } }, true],
    ["another stack", { stack: "delivery/x" }, true],
  ])("%s", async (_change, news, changes) =>
    expect(await diff(news)).toEqual({ changes, replaces: [], deleteBeforeReplace: false }),
  );

  test.each(["repository", "branch", "directory"] as const)(
    "another %s is another location: the new one first",
    async (key) =>
      expect(await diff({ [key]: "other" })).toEqual({ changes: true, replaces: [key], deleteBeforeReplace: false }),
  );
});

describe("check", () => {
  const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
  const check = async (news: object) => (await provider.check({}, { ...inputs(), ...news })).failures;

  test.each<[what: string, news: object]>([
    ["valid inputs", {}],
    ["a repository that only the update knows", { repository: unknown }],
    ["files that only the update knows", { files: unknown }],
    ["a content that only the update knows", { files: { [manifest]: unknown } }],
  ])("%s pass", async (_what, news) => expect(await check(news)).toEqual([]));

  test.each<[what: string, news: object, property: string, reason: RegExp]>([
    [
      "a token in the URL",
      { repository: "https://hunter2@github.com/acme/deploy.git" },
      "repository",
      /^"https:\/\/\*\*\*@github\.com\/acme\/deploy\.git" has a credential in it/,
    ],
    ["no branch", { branch: "" }, "branch", /is not the name of a branch/],
    ["a directory outside", { directory: "../dev", files: {}, records: {} }, "directory", /is not a path/],
    [
      "a file of another environment",
      { files: { "prod/link/deployment.yaml": "x" } },
      "files",
      /"prod\/link\/deployment\.yaml" lies outside of "dev"/,
    ],
    ["a file that climbs out", { files: { "dev/../prod/x": "x" } }, "files", /is not a path/],
    ["a file with two writers", { files: { [record]: "x" } }, "records", /can have one writer only/],
    ["the owner's file", { files: { [note]: "x" } }, "files", /notes the owner/],
  ])("%s is refused before any contact", async (_what, news, property, reason) => {
    const failures = await check(news);
    expect(failures).toEqual([{ property, reason: expect.stringMatching(reason) }]);
    expect(JSON.stringify(failures)).not.toContain("hunter2");
  });
});

describe("with keys", () => {
  const [one, two] = [sshKeyPair(), sshKeyPair()];
  const signedBy = (pair: typeof one) => ({
    signing: { keys: { dev: pair.publicKey }, others: {} },
    signingKey: pair.privateKey,
  });
  const trailers = (): string => repository.git("log", "-1", "--format=%(trailers)");

  test("every commit is signed; the first one vouches for what is there, and a change is refused on top of another's", async () => {
    const before = await provider.create(inputs());
    const news = inputs(signedBy(one));
    expect(await provider.diff(before.id, before.outs, news)).toMatchObject({ changes: true, replaces: [] });
    const { outs } = await provider.update(before.id, before.outs, news);
    expect(repository.git("cat-file", "commit", "main")).toContain("BEGIN SSH SIGNATURE");
    expect(trailers()).toContain("Delivery-Seal: dev");
    expect(repository.files()[note]).toContain("SHA256:");
    const changed = { ...news, files: { ...news.files, [manifest]: "replicas: 2\n" } };
    await provider.update(before.id, outs, changed);
    expect(trailers()).not.toContain("Delivery-Seal");
    repository.commit({ "others/x": "x" });
    await expect(provider.update(before.id, outs, news)).rejects.toThrow(/is not signed; nothing was changed/);
  });

  test("other keys are a commit of their own, which vouches for what the keys of before have signed", async () => {
    const { id, outs } = await provider.create(inputs(signedBy(one)));
    const news = inputs(signedBy(two));
    expect((await provider.diff(id, outs, inputs(signedBy(one)))).changes).toBe(false);
    expect((await provider.diff(id, outs, news)).changes).toBe(true);
    const updated = await provider.update(id, outs, news);
    expect(repository.git("diff", "--name-only", "main^", "main")).toBe(note);
    expect(trailers()).toContain("Delivery-Seal: dev");
    await provider.delete(id, updated.outs);
    expect(repository.git("cat-file", "commit", "main")).toContain("BEGIN SSH SIGNATURE");
  });
});
