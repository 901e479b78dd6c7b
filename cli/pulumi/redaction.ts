import { isUnguessable, maskCredential, secretWord } from "../../core/secret-mask.ts";

/** How the engine marks a secret in a state or an event: an object that has this value at this key. */
export const signatureKey = "4dabf18193072939515e22adb298388d";
export const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** Takes secrets out of texts, in whatever form they have got there. */
interface Redaction {
  readonly text: (text: string) => string;
  /** All texts in a value, the keys of maps among them. */
  readonly value: (value: unknown) => unknown;
}

/** Characters of a form of a secret; a shorter one would be found in many texts. */
const shortest = 5;
/** Characters. In a longer text, e.g. a kubeconfig, words of this length are secrets of their own. */
const shortestWord = 20;

/**
 * What nobody guesses is masked wherever it stands. A secret that is short or a common word is masked as a whole value where
 * the property's name says that it holds a credential, and in a text where the text says so: anywhere else its mask would
 * give it away.
 * @param secrets the values that must not be shown; long words in longer texts count by themselves, too
 * @param published what everybody may read anyhow: a secret that is part of it, e.g. a user's name, stays
 */
export function redaction(secrets: readonly string[], published = ""): Redaction {
  const hidden = [...new Set(secrets.flatMap(partsOf))].filter((secret) => secret !== "");
  const isStrong = (secret: string): boolean => isUnguessable(secret) && !published.includes(secret);
  const forms = [...new Set(hidden.filter(isStrong).flatMap(formsOf))];
  // The longest first: replacing a part of it would leave the rest.
  const ordered = forms.toSorted((one, other) => other.length - one.length);
  const weak = hidden.filter((secret) => !isStrong(secret));
  const encoded = new Set(weak.filter((secret) => !published.includes(secret)).flatMap(wholeFormsOf));
  const text = (input: string): string => {
    const masked = ordered.reduce((result, form) => result.replaceAll(form, secretWord), input);
    return weak.reduce(maskCredential, masked);
  };
  const value = (input: unknown, name = ""): unknown => {
    if (typeof input === "string") {
      const isCredential =
        credentialName.test(name) && !reference.test(name) && weak.some((secret) => input.includes(secret));
      return isCredential || encoded.has(input) ? secretWord : text(input);
    }
    if (Array.isArray(input)) return input.map((item, index) => value(item, optionName(input[index - 1]) || name));
    if (typeof input !== "object" || input === null) return input;
    // The entries of an environment are objects with a name and a value.
    const entry = "name" in input && typeof input.name === "string" ? input.name : "";
    return Object.fromEntries(
      Object.entries(input).map(([key, item]) => [text(key), value(item, key === "value" ? entry : key)]),
    );
  };
  return { text, value };
}

/** The end of a name that says where a credential is, e.g. `secretName`, not what it is. */
const reference = /(?:name|ref|file|path)s?$/i;

/** `--password`, `secret` → the name of the argument that follows. */
function optionName(argument: unknown): string {
  return typeof argument === "string" && argument.startsWith("-") && !argument.includes("=") ? argument : "";
}

/** The encoded forms of a weak secret: only as a whole do they say nothing about what is around them. */
function wholeFormsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const forms = [bytes.toString("base64"), bytes.toString("base64url"), bytes.toString("hex")];
  return forms.filter((form) => form.length > shortest && form !== secret);
}

function partsOf(secret: string): string[] {
  const words = /\s/.test(secret.trim())
    ? secret.split(/[\s"'`,;]+/).filter((word) => word.length >= shortestWord)
    : [];
  return [secret, secret.trim(), ...words];
}

/**
 * The texts to hide in what the engine says of a stack. It hides the secrets that it knows; what a provider or a tool says
 * may repeat one in another form.
 * @param settings the values of the stack's secret settings
 */
export function secretTexts(
  settings: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  return [...settings.flatMap(textsOf), ...credentialsIn(environment)];
}

/** A secret, and if it is JSON, e.g. a map of secrets, all texts in it. */
function textsOf(secret: string): string[] {
  if (!/^\s*[{[]/.test(secret)) return [secret];
  try {
    const texts = (value: unknown): string[] =>
      typeof value === "string"
        ? [value]
        : typeof value === "object" && value !== null
          ? Object.values(value).flatMap(texts)
          : [];
    return [secret, ...texts(JSON.parse(secret))];
  } catch {
    return [secret];
  }
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // In a longer text in base64 it begins at any of three offsets; the first and last characters hold bits of the neighbours, too.
  const shifted = [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const tail = (offset + bytes.length) % 3 === 0 ? encoded.length : encoded.length - 1;
    return encoded.slice(offset === 0 ? 0 : offset + 1, tail);
  });
  const url = shifted.map((form) => form.replaceAll("+", "-").replaceAll("/", "_"));
  const written = [JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
  return [secret, ...written, ...shifted, ...url, bytes.toString("hex")].filter((form) => form.length >= shortest);
}

/** Names of variables and properties that hold secrets. */
export const credentialName =
  /TOKEN|PASS(WORD|PHRASE|WD)|SECRET|CREDENTIAL|PRIVATE|KUBECONFIG|DOCKERCONFIG|^AUTH$|(^|API|ACCESS|CONTINUATION|CLIENT)[_-]?KEY/i;

/** The variables of an environment that by their names hold credentials. */
function credentialsIn(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && value !== "" && credentialName.test(name) && !name.endsWith("_FILE") ? [value] : [],
  );
}
