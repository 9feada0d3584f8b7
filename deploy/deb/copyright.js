// Prints debian/copyright of a tree with its npm packages: node deploy/deb/copyright.js TREE
// https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const HOME = "/usr/lib/hushbox";
const APACHE = "On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.";

/** Folders of packages below a node_modules, nested ones too. */
function packages(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) =>
      name.startsWith("@") ? readdirSync(join(folder, name)).map((below) => join(name, below)) : [name],
    )
    .sort()
    .flatMap((name) => [join(folder, name), ...packages(join(folder, name, "node_modules"))])
    .filter((path) => existsSync(join(path, "package.json")));
}

/** Text as a field's continuation: indented, and a dot on empty lines. */
function field(text) {
  return text
    .trim()
    .split(/\r?\n/)
    .map((line) => (line.trim() === "" ? " ." : ` ${line.trimEnd()}`))
    .join("\n");
}

function paragraph(tree, folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (typeof license !== "string") throw new Error(`${name} ${version} names no licence in its package.json`);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "" : readFileSync(join(folder, file), "utf8");
  const holders = text.split(/\r?\n/).filter((line) => /^\W*copyright\b/i.test(line));
  const said = license === "Apache-2.0" ? APACHE : text;
  const written = typeof author === "object" ? author.name : author;
  return `Files: ${HOME}${folder.slice(tree.length)}/*
Copyright:
${field(holders.join("\n") || written || `the authors of ${name}`)}
License: ${license.replaceAll(/[()]/g, "").replaceAll(" OR ", " or ").replaceAll(" AND ", " and ")}
 npm package ${name} ${version}${said === "" ? "; it brings no text of its licence" : ""}
${said === "" ? "" : ` .\n${field(said)}\n`}`;
}

const tree = process.argv[2];
process.stdout.write(`Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: hushbox

Files: *
Copyright: the hushbox authors
License: Apache-2.0
 ${APACHE}

${packages(join(tree, "node_modules"))
  .map((folder) => paragraph(tree, folder))
  .join("\n")}`);
