#!/usr/bin/env bash
# @cyclonedx/cyclonedx-library 10.3.0 (most SBOM tools of Node): in CycloneDX 1.7, too, all licences of a component are left out as soon
# as one of them is an expression.
#
# One would guess: a package that declares GPL-3.0-only, and of which a review has concluded "MIT OR ISC", has both in its SBOM, each
#   with its `acknowledgement`. That is what CycloneDX 1.7 is for: up to 1.6 `licenses` are many licences or one expression, since 1.7
#   they may be mixed; the schema that comes with the library says so.
# What happens: one expression is written, in the order of insertion the first, whatever the version of the specification. The other
#   licences are gone, without an error or a warning. The same licences without the expression are all there.
# Who is hurt: whoever looks in SBOMs for what obliges: a declared copyleft licence vanishes because somebody has noted more.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @cyclonedx/cyclonedx-library@10.3.0
cat >try.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";

const declared = () =>
  new Models.SpdxLicense("GPL-3.0-only", { acknowledgement: Enums.LicenseAcknowledgement.Declared });
const reviewed = () => new Models.NamedLicense("Reviewed", { acknowledgement: Enums.LicenseAcknowledgement.Concluded });
const expression = (text) => {
  const concluded = new Models.LicenseExpression(text);
  concluded.acknowledgement = Enums.LicenseAcknowledgement.Concluded;
  return concluded;
};

function written(...licenses) {
  const component = new Models.Component(Enums.ComponentType.Library, "left", {
    licenses: new Models.LicenseRepository(licenses),
  });
  const bom = new Models.Bom({ components: new Models.ComponentRepository([component]) });
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot7));
  return JSON.parse(serializer.serialize(bom)).components[0].licenses.map(
    ({ license, expression }) => expression ?? license.id ?? license.name,
  );
}

const schema = "node_modules/@cyclonedx/cyclonedx-library/res/schema/bom-1.7.SNAPSHOT.schema.json";
const { type, items, maxItems = "any number" } = JSON.parse(readFileSync(schema, "utf8")).definitions.licenseChoice;
console.log(`schema 1.7: ${type}, ${maxItems} of ${items.oneOf.map(({ required }) => required[0]).join(" or ")}`);
console.log(`two licences: ${written(declared(), reviewed()).join(", ")}`);
console.log(`one licence and an expression: ${written(declared(), expression("MIT OR ISC")).join(", ")}`);
console.log(`two expressions: ${written(expression("MIT OR ISC"), expression("Apache-2.0 OR GPL-3.0-only")).join(", ")}`);
JS
seen=$(node try.mjs)
echo "$seen"
[ "$seen" = "schema 1.7: array, any number of license or expression
two licences: GPL-3.0-only, Reviewed
one licence and an expression: MIT OR ISC
two expressions: MIT OR ISC" ] || { echo "this has changed" >&2; exit 1; }
