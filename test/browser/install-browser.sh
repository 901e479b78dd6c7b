#!/bin/sh
# The tests of the status page need a browser, which is no package of npm. Installs Debian's where that is possible; where it
# is not, those tests say what to do.
set -eu
for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then exit 0; fi
echo "Installing Chromium for the tests of the status page …" >&2
apt-get -qq update >&2
DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends chromium fonts-dejavu-core >/dev/null
