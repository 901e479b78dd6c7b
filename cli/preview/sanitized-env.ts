import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { placeholderKubeconfig } from "./placeholders.ts";

/** What a preview without credentials keeps of the environment: how programs are found and run, and what is built. */
const keptVariables =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TERM|TZ|LANG|LC_\w+|TMPDIR|XDG_\w+|NODE_(COMPILE_CACHE|EXTRA_CA_CERTS|USE_ENV_PROXY)|SSL_CERT_(FILE|DIR)|(HTTPS?|NO|ALL)_PROXY|PULUMI_(HOME|IGNORE_AMBIENT_PLUGINS|DISABLE_AUTOMATIC_PLUGIN_ACQUISITION|SKIP_UPDATE_CHECK|DEBUG_PROVIDERS)|DELIVERY_ENGINE_MINUTES)$/i;

/**
 * Takes everything out of this process' environment that could be a credential, or lead to one, until it is disposed of.
 * Providers and Git look there, and so may the program.
 */
export function sanitizedEnv(kubeconfigContext: string | undefined): Disposable {
  const before = { ...process.env };
  const directory = temporaryDirectory("delivery-sanitized-");
  const kubeconfig = join(directory.path, "kubeconfig");
  writeFileSync(kubeconfig, placeholderKubeconfig(kubeconfigContext));
  // A proxy's address with a user in it has a password, too. In a PATH an `@` is common: npm adds directories with one.
  const withPassword = (name: string, value = ""): boolean => /_PROXY$/i.test(name) && value.includes("@");
  const kept = Object.entries(before).filter(([name, value]) => keptVariables.test(name) && !withPassword(name, value));
  setEnvironment({
    ...Object.fromEntries(kept),
    KUBECONFIG: kubeconfig,
    // Without the logins of `docker login`.
    DOCKER_CONFIG: directory.path,
    DOCKER_HOST: `unix://${join(directory.path, "none.sock")}`,
  });
  return {
    [Symbol.dispose]: () => {
      setEnvironment(before);
      directory[Symbol.dispose]();
    },
  };
}

function setEnvironment(desired: Readonly<Record<string, string | undefined>>): void {
  for (const name of Object.keys(process.env)) if (!(name in desired)) Reflect.deleteProperty(process.env, name);
  for (const [name, value] of Object.entries(desired)) if (value !== undefined) process.env[name] = value;
}
