import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileKey, readFiles, type MountedFiles } from "../../../../components/service/files.ts";
import { serviceManifests, usedSecrets } from "../../../../components/manifests/manifests.ts";
import type { Problem } from "../../../../core/problem.ts";
import { sampleContext, sampleService } from "../../../support/sample-shop.ts";

describe("the files of a service", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "files-"));
    mkdirSync(join(root, "svc/link"), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function read(content: string | Uint8Array, file = "a.conf"): MountedFiles {
    writeFileSync(join(root, "svc/link", file), content);
    const problems: Problem[] = [];
    const origin = (...path: readonly string[]): string => path.join(".");
    const files = readFiles(
      { "/a": { file } },
      { directory: join(root, "svc/link"), root, isIgnored: () => false, origin, problems },
    );
    expect(problems).toEqual([]);
    return files;
  }

  test.each<[what: string, content: string]>([
    ["lines", "a: 1\n\tb\n"],
    ["nothing", ""],
    ["line ends of Windows, and a byte order mark", "\ufeffa\r\nb\r\n"],
    ["other languages", "größe: ☃ 😀\n"],
    ["what YAML takes for something else", "yes\n---\n{{ x }}\n  trailing \n\n"],
  ])("are text where they have %s", (_what, text) => expect(read(text)).toEqual({ "/a": { text } }));

  test.each<[what: string, content: Uint8Array]>([
    ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x00])],
    ["NUL", Buffer.from("a\0b")],
    ["a control character that kustomize refuses", Buffer.from("a\u007fb")],
    ["a line separator", Buffer.from("a\u2028b")],
  ])("are Base64 where they have %s", (_what, content) =>
    expect(read(content)).toEqual({ "/a": { binary: Buffer.from(content).toString("base64") } }),
  );

  test("may lie elsewhere in the monorepo", () => {
    writeFileSync(join(root, "shared.conf"), "x");
    expect(read("x", "../../shared.conf")).toEqual({ "/a": { text: "x" } });
  });
});

test("two paths never have one key, and each is a key that a ConfigMap takes", () => {
  const paths = ["/a/b", "/a.b", "/a-b", "/a/b c", "/a/b\u00e9", `/${"x".repeat(300)}`, "/etc/nginx/nginx.conf"];
  const keys = paths.map(fileKey);
  expect(new Set(keys).size).toBe(paths.length);
  for (const key of keys) expect(key).toMatch(/^[-._a-zA-Z0-9]{1,253}$/);
});

describe("a service with files", () => {
  const mountedFiles: MountedFiles = {
    "/etc/app/app.yaml": { text: "a: 1\n" },
    "/etc/app/logo.png": { binary: "AAE=" },
    "/etc/app/key.pem": { secret: "key" },
  };
  const declared = (files: MountedFiles | undefined) => {
    const link = sampleService("link", { mountedFiles: files });
    const manifests = serviceManifests(sampleContext([link]), link, { image: "i" });
    const { metadata, spec } = Object(manifests.deployment?.spec).template;
    const [container] = spec.containers;
    return { ...manifests, spec, container, checksum: metadata.annotations["delivery/config-checksum"] as string };
  };

  test("has what is no secret in a ConfigMap of a name that no service has", () => {
    expect(declared(mountedFiles).files).toMatchObject({
      metadata: { name: "link.files", namespace: "shop-dev" },
      data: { [fileKey("/etc/app/app.yaml")]: "a: 1\n" },
      binaryData: { [fileKey("/etc/app/logo.png")]: "AAE=" },
    });
    expect(JSON.stringify(declared(mountedFiles).files)).not.toContain("key.pem");
  });
  test("mounts each by itself, so that what else the image has there stays", () => {
    const { spec, container } = declared(mountedFiles);
    expect(spec.volumes.slice(1)).toEqual([
      { name: "files", configMap: { name: "link.files" } },
      { name: "secret-files", secret: { secretName: "link.files", defaultMode: 0o440 } },
    ]);
    const mount = (name: string, mountPath: string) => ({
      name,
      mountPath,
      subPath: fileKey(mountPath),
      readOnly: true,
    });
    expect(container.volumeMounts.slice(1)).toEqual([
      mount("files", "/etc/app/app.yaml"),
      mount("files", "/etc/app/logo.png"),
      mount("secret-files", "/etc/app/key.pem"),
    ]);
  });
  test("has no volume of what it has not", () => {
    const { files, spec } = declared({ "/a": { secret: "key" } });
    expect(files).toBeUndefined();
    expect(spec.volumes.map(({ name }: { name: string }) => name).slice(1)).toEqual(["secret-files"]);
    expect(declared(undefined).spec.volumes).toHaveLength(1);
  });
  test("restarts its pods when the content of one changes, or its path", () => {
    const before = declared({ "/a": { text: "1" } }).checksum;
    expect(declared({ "/a": { text: "1" } }).checksum).toBe(before);
    for (const files of [{ "/a": { text: "2" } }, { "/b": { text: "1" } }, { "/a": { binary: "MQ==" } }, {}])
      expect(declared(files).checksum).not.toBe(before);
  });
  test("has its secret ones in a Secret of their own, whose keys no environment variable is called by", () => {
    const link = sampleService("link", { mountedFiles, secrets: { KEY: "token" } });
    expect(usedSecrets(sampleContext([link]))).toEqual([
      { owner: "link", name: "link-secrets", values: { KEY: "token" } },
      { owner: "link", name: "link.files", values: { [fileKey("/etc/app/key.pem")]: "key" } },
    ]);
    expect(fileKey("/KEY")).toContain("-");
  });
});
