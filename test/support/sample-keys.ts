/** Public keys of nobody, with the fingerprints that ssh-keygen and GnuPG show of them. */
export const sampleSshKey = {
  text: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN8xlctvJdSWdmhYfwZFL02HBnhQLIJCp4ZnAdxYs/0g",
  fingerprint: "SHA256:NOOjmsH9jNh2m6nOeoYFztCu20F1whYHRzwiE243j3w",
} as const;

export const sampleGpgKey = {
  text: `-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEaw0N+BYJKwYBBAHaRw8BAQdACjnmMJ8LwEI6nXqOl8wFaniYwhiNWkWHmE7b
GIGxMfW0GXByb2QgPGRlbGl2ZXJ5QGxvY2FsaG9zdD6IkAQTFggAOBYhBM+ttGim
LSexxygz8JYoJNkvywHEBQJrDQ34AhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheA
AAoJEJYoJNkvywHEGLEA/24iieBglyz6KXnHGEE6CiCkyQDWv0Z9kb2kVUfp3mPo
AP9udk0J7zYeRviGpwPT2VrIjeANhq6wxLwp9QF1VdFfCA==
=PjyW
-----END PGP PUBLIC KEY BLOCK-----
`,
  fingerprint: "CFADB468A62D27B1C72833F0962824D92FCB01C4",
} as const;
