import { expect, test } from "vitest";
import { hasSecretName } from "../../../core/secret-names.ts";

test.each([
  "DB_PASSWORD",
  "DBPASS",
  "db_passwd",
  "PULUMI_CONFIG_PASSPHRASE",
  "githubToken",
  "CLIENT_SECRET",
  "AWS_SECRET_ACCESS_KEY",
  "apiKey",
  "API_KEY",
  "TLS_PRIVATE_KEY",
  "SECRET_KEY_BASE",
  "AWS_CREDENTIALS",
])("%s says that it is a secret", (name) => expect(hasSecretName(name)).toBe(true));

test.each(["PASSWORD_FILE", "TOKEN_URL", "SECRET_NAME", "PARTITION_KEY", "KEY", "AUTH_BYPASS", "COMPASS", "PASSPORT"])(
  "%s does not",
  (name) => expect(hasSecretName(name)).toBe(false),
);
