// What the tables of troubleshooting quote is said, and what they tell to run is there.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { ROOT } from "../../support/generated.js";

const TABLES = ["docs/access-point.md", "deploy/README.md"];
/** Names in sentences, as the code has them. */
const NAMES: Readonly<Record<string, string>> = { hushbr: "${BRIDGE}" };

/** Rows of the tables that begin with what one sees, their cells apart. */
function rows(file: string): string[][] {
  const tables = readFileSync(join(ROOT, file), "utf8").split(/\n\n/);
  return tables
    .filter((table) => table.startsWith("| what you see"))
    .flatMap((table) => table.split("\n").slice(2))
    .map((row) => row.split(/(?<!\\)\|/).slice(1, -1));
}

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);
}

const source = ["src", "deploy/deb"]
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
  )
  .join("\n");

test("sentences that the tables quote are hushbox's own", (t) => {
  const sentences = TABLES.flatMap(rows)
    .filter(([seen = ""]) => /^ (setup|check|undo|apt|after an upgrade|`hushbox status`):/.test(seen))
    .flatMap(([seen = ""]) => quoted(seen.slice(seen.indexOf(":"))));
  t.ok(sentences.length > 10, `${sentences.length} sentences`);
  for (const sentence of sentences)
    t.ok(
      source.includes(Object.entries(NAMES).reduce((text, [name, code]) => text.replace(name, code), sentence)),
      sentence,
    );
  t.end();
});

test("commands of hushbox that the tables name are there, with their options", (t) => {
  const commands = TABLES.flatMap(rows)
    .flatMap(([, , what = ""]) => quoted(what))
    .flatMap((line) => [...line.matchAll(/\bhushbox ([a-z]+)((?: (?:--)?[a-z][\w.-]*)*)/g)]);
  t.ok(commands.length > 8, `${commands.length} commands`);
  for (const [line, name = "", rest = ""] of commands) {
    const words = rest.split(" ").filter((word) => word.startsWith("--") || (name === "tunnel" && word !== ""));
    const usage = /usage: `([^`]*)/.exec(readFileSync(join(ROOT, `src/main/${name}.ts`), "utf8"))?.[1] ?? "";
    for (const word of words) t.ok(new RegExp(`(^|[\\s[])${word}\\b`, "m").test(usage), line);
    t.ok(usage.includes(`hushbox ${name}`), line);
  }
  t.end();
});
