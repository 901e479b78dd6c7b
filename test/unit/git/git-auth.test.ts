import { expect, test } from "vitest";
import { authsToRead, authToWrite, logIn } from "../../../git/git-auth.ts";

const token = { DELIVERY_GIT_TOKEN: "t0ken" };
const web = "https://github.com/acme/shop.git";
const login = { username: "gitlab-ci-token", password: "pass@word" };
const withLogin = "https://gitlab-ci-token:pass%40word@github.com/acme/shop.git";

test("a fork's job reads anonymously, however its checkout was made", () => {
  const nobody = { repository: web, login: "none" };
  expect(authsToRead(web, {})).toEqual([nobody]);
  const addresses = [
    "git@github.com:acme/shop.git",
    "ssh://git@github.com:22/acme/shop.git",
    "git@github.com:/acme/shop.git",
  ];
  for (const ssh of addresses) expect(authsToRead(ssh, {})).toEqual([nobody, { repository: ssh, login: "own" }]);
});

test("only who may the least does not suffice, the checkout's login is used, and then the token", () => {
  expect(authsToRead(withLogin, token)).toEqual([
    { repository: web, login: "none" },
    { repository: web, login },
    { repository: web, login: "own" },
  ]);
  expect(authsToRead("git@github.com:acme/shop.git", token).at(-1)).toEqual({ repository: web, login: "own" });
  expect(authsToRead("file:///srv/shop.git", token)).toEqual([{ repository: "file:///srv/shop.git", login: "own" }]);
});

test("to write, the token goes before the checkout's login", () => {
  expect(authToWrite(withLogin, {})).toEqual({ repository: web, login });
  expect(authToWrite(withLogin, token)).toEqual({ repository: web, login: "own" });
  expect(authToWrite("git@github.com:acme/shop.git", token)).toEqual({
    repository: "git@github.com:acme/shop.git",
    login: "own",
  });
});

test("no credential stays in a URL, in whatever form it is there", () => {
  const urls = [
    "https://canary@github.com/acme/shop.git",
    "https://x:canary@github.com/acme/shop.git",
    "https://x:can@ary@github.com/acme/shop.git",
    "HTTPS://:canary%zz@github.com/acme/shop.git",
    "ssh://git:canary@github.com/acme/shop.git",
  ];
  for (const url of urls) {
    const shown = [...authsToRead(url, token), authToWrite(url, token)].map(({ repository }) => repository);
    expect(shown.join(" ")).not.toMatch(/can|ary/);
  }
});

test("a login is Git's for as long as it is needed", () => {
  const before = { ...process.env };
  Object.assign(process.env, token);
  Reflect.deleteProperty(process.env, "DELIVERY_GIT_USERNAME");
  try {
    {
      using _login = logIn(login);
      expect(process.env).toMatchObject({ DELIVERY_GIT_TOKEN: "pass@word", DELIVERY_GIT_USERNAME: "gitlab-ci-token" });
    }
    {
      using _nobody = logIn("none");
      expect(process.env["DELIVERY_GIT_TOKEN"]).toBeUndefined();
    }
    expect(process.env).toMatchObject(token);
    expect(process.env["DELIVERY_GIT_USERNAME"]).toBeUndefined();
  } finally {
    Reflect.deleteProperty(process.env, "DELIVERY_GIT_TOKEN");
    Object.assign(process.env, before);
  }
});
