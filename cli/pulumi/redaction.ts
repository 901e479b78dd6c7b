/** In place of a secret. */
export const secretWord = "[secret]";

/** How the engine marks a secret in a state or an event: an object that has this value at this key. */
export const signatureKey = "4dabf18193072939515e22adb298388d";
export const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** Takes secrets out of texts, in whatever form they have got there. */
interface Redaction {
  readonly text: (text: string) => string;
  /** All texts in a value, the keys of maps among them. */
  readonly value: (value: unknown) => unknown;
}

/** Characters. A shorter secret would be found everywhere, and nothing would be left to read. */
const shortest = 5;
/** Characters. In a longer text, e.g. a kubeconfig, words of this length are secrets of their own. */
const shortestWord = 20;

/**
 * @param secrets the values that must not be shown; long words in longer texts count by themselves, too
 * @param published what everybody may read anyhow: a secret that is part of it, e.g. a user's name, stays
 */
export function redaction(secrets: readonly string[], published = ""): Redaction {
  const hidden = secrets.filter((secret) => !published.includes(secret));
  const forms = [...new Set(hidden.flatMap(partsOf).flatMap(formsOf))];
  // The longest first: replacing a part of it would leave the rest.
  const ordered = forms.toSorted((one, other) => other.length - one.length);
  const text = (input: string): string => ordered.reduce((result, form) => result.replaceAll(form, secretWord), input);
  const value = (input: unknown): unknown => {
    if (typeof input === "string") return text(input);
    if (Array.isArray(input)) return input.map(value);
    if (typeof input !== "object" || input === null) return input;
    return Object.fromEntries(Object.entries(input).map(([key, item]) => [text(key), value(item)]));
  };
  return { text, value };
}

function partsOf(secret: string): string[] {
  const words = /\s/.test(secret.trim())
    ? secret.split(/[\s"'`,;]+/).filter((word) => word.length >= shortestWord)
    : [];
  return [secret, secret.trim(), ...words].filter((part) => part.length >= shortest);
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
