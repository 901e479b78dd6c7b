import { expect, test } from "vitest";
import { contextSources } from "../../../../cli/affected/context-sources.ts";

test.each([
  ["an argument of the stage that it begins with", "FROM a AS x\nARG DIR=web\nFROM x\nCOPY $DIR/src /\n", "web/src"],
  ["no argument of another stage", "FROM a AS x\nARG DIR=web\nFROM a\nCOPY $DIR/src /\n", "*/src"],
  ["an argument after ENV", "FROM a\nENV DIR=api\nARG DIR=web\nCOPY $DIR/src /\n", "web/src"],
  [
    "ENV before an argument of the stage that it begins with",
    "FROM a AS x\nENV DIR=web\nARG DIR=api\nFROM x\nCOPY $DIR/src /\n",
    "web/src",
  ],
  ["no variable of the same ENV", "FROM a\nENV DIR=web\nENV DIR=api SRC=$DIR/src\nCOPY $SRC /\n", "web/src"],
])("what is copied is named by %s", (_what, text, source) => expect(contextSources(text, {})).toEqual([source]));

// As BuildKit 0.34.2 asks for files of the context.
test.each([
  [
    "a stage that another begins with",
    "FROM a AS x\nONBUILD ARG DIR=web\nONBUILD COPY $DIR /\nFROM x\nCOPY p /\n",
    ["web", "p"],
  ],
  ["one that begins with the other", "FROM a AS x\nONBUILD COPY o /\nFROM x AS y\nFROM y\nCOPY p /\n", ["p", "o"]],
  ["the image itself", "FROM a AS x\nONBUILD COPY o /\n", []],
])("ONBUILD of %s", (_what, text, sources) => expect(contextSources(text, {})).toEqual(sources));
