import { describe, expect, test, vi } from "vitest";
import type { KubernetesClient } from "../../../../../kubernetes/client.ts";
import { ApiError, UnreachableError } from "../../../../../kubernetes/errors.ts";
import type { KubernetesObject } from "../../../../../kubernetes/object.ts";
import { argoCdRefresh, follows, isConcerned } from "../../../../../sandbox/stand-ins/git-server/argocd-refresh.ts";

const url = "http://127.0.0.1:3000/deploy";
const push = { repository: "deploy", updates: [{ ref: "refs/heads/main", after: "a".repeat(40) }] };
const application = (name: string, source: Record<string, string>): KubernetesObject => ({
  metadata: { name },
  spec: { source },
});

describe("an Application follows a push", () => {
  test.each([
    [true, "its branch", { repoURL: `${url}.git`, targetRevision: "main" }],
    [true, "the ref in full", { repoURL: url, targetRevision: "refs/heads/main" }],
    [true, "the default branch by HEAD", { repoURL: url, targetRevision: "HEAD" }],
    [true, "the default branch by saying nothing", { repoURL: url }],
    [
      true,
      "the URL with a user and another name of this host",
      { repoURL: "http://me@localhost:3000/deploy.git/", targetRevision: "main" },
    ],
    [false, "another branch", { repoURL: url, targetRevision: "release" }],
    [false, "another repository", { repoURL: `${url}-2`, targetRevision: "main" }],
  ])("%s for %s", (expected, _what, source) => {
    expect(follows(application("x", source), url, push, "main")).toBe(expected);
  });

  test("by any of several sources", () => {
    expect(follows({ spec: { sources: [{ repoURL: "http://x/y" }, { repoURL: url }] } }, url, push, "main")).toBe(true);
  });
});

describe("what a push has changed concerns an Application", () => {
  const paths = ["dev/link/release/kustomization.yaml", "README.md"];
  test.each([
    [true, "that says nothing of its paths", undefined, "dev/user", paths],
    [true, "below whose directory it is", ".", "dev/link", paths],
    [false, "below another directory", ".", "dev/user", paths],
    [false, "below a directory of a longer name", ".", "dev/lin", paths],
    [true, "that is all of the repository", ".", "", paths],
    [true, "that names it from its own directory", ".;../link", "dev/user", paths],
    [true, "that names it from the root", "/README.md", "dev/user", paths],
    [true, "where nobody can tell", ".", "dev/user", []],
  ])("%s for one %s", (expected, _what, annotation, path, changed) => {
    const annotations = annotation === undefined ? {} : { "argocd.argoproj.io/manifest-generate-paths": annotation };
    const concerned = { metadata: { name: "x", annotations }, spec: { source: { repoURL: url, path } } };
    expect(isConcerned(concerned, changed)).toBe(expected);
  });
});

describe("the hook", () => {
  const request = vi.fn<KubernetesClient["request"]>();
  // The hook only makes requests.
  const client = { request } as unknown as KubernetesClient;
  const hook = argoCdRefresh({
    cluster: () => client,
    namespace: "argocd",
    url: "http://127.0.0.1:3000",
    changedPaths: () => Promise.resolve(["dev/link/release/kustomization.yaml"]),
  });
  const { signal } = new AbortController();
  const path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications";
  const refreshed = (): string[] =>
    request.mock.calls.filter(([method]) => method === "PATCH").map(([, asked]) => asked);

  test("annotates the Applications that follow the push", async () => {
    request.mockReset().mockResolvedValue({
      items: [application("mine", { repoURL: url }), application("other", { repoURL: "http://x/y" })],
    });
    await hook.run(push, signal);
    expect(refreshed()).toEqual([`${path}/mine`]);
    expect(request.mock.lastCall?.[2]?.body).toEqual({
      metadata: { annotations: { "argocd.argoproj.io/refresh": "normal" } },
    });
  });

  test("passes over those whose paths it leaves alone", async () => {
    const own = (name: string): KubernetesObject => ({
      metadata: { name, annotations: { "argocd.argoproj.io/manifest-generate-paths": "." } },
      spec: { source: { repoURL: url, path: `dev/${name}` } },
    });
    request.mockReset().mockResolvedValue({ items: [own("link"), own("user")] });
    await hook.run(push, signal);
    expect(refreshed()).toEqual([`${path}/link`]);
  });

  test("annotates all that use this server when it starts", async () => {
    const items = [
      application("a", { repoURL: url, targetRevision: "x" }),
      application("b", { repoURL: "http://127.0.0.1:30000/deploy" }),
    ];
    request.mockReset().mockResolvedValue({ items });
    await hook.catchUp?.(signal);
    expect(refreshed()).toEqual([`${path}/a`]);
  });

  test("has nothing to do where there is no Argo CD", async () => {
    request.mockReset().mockRejectedValue(new ApiError("404 page not found", { status: 404, reason: "NotFound" }));
    await expect(hook.run(push, signal)).resolves.toBeUndefined();
  });

  test.each([
    new ApiError("too many requests", { status: 429, reason: "TooManyRequests" }),
    new UnreachableError("no connection"),
  ])("fails where the API server refuses, or is away, to be tried again: %s", async (error) => {
    request.mockReset().mockRejectedValue(error);
    await expect(hook.run(push, signal)).rejects.toThrow(error.message);
  });
});
