import { readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Host } from "./host.js";
import type { TextFile } from "./networkd.js";

const INTERFACES = "/etc/network/interfaces";
/** Debian's own file includes all of it. */
const FOLDER = "/etc/network/interfaces.d";
/** Files that include each other. */
const DEPTH = 8;

/** Debian's /etc/network/interfaces and what it includes: cards that it brings up are no longer brought up. Unchanged files are left out. */
export function ifupdownFiles(host: Host, cards: readonly string[]): TextFile[] {
  const files = new Map<string, string>();
  gather(host, INTERFACES, files, DEPTH);
  for (const path of matching(host, `${FOLDER}/*`)) gather(host, path, files, 0);
  return [...files].flatMap(([path, text]) => {
    const changed = withoutAuto(text, cards, path);
    return changed === text ? [] : [{ path, text: changed, why: `ifupdown leaves ${cards.join(", ")} alone` }];
  });
}

/** Whether ifupdown would bring a card up. */
export function inIfupdown(host: Host, card: string): boolean {
  return ifupdownFiles(host, [card]).length > 0;
}

/**
 * Stanzas stay, for `ifup` by hand; only the lines that start them at boot or when the card appears lose the names (interfaces(5)). Throws
 * `setup` where a pattern stands for one of the cards: others may stand behind it too.
 */
export function withoutAuto(text: string, cards: readonly string[], path = INTERFACES): string {
  return logicalLines(text)
    .map((line) => {
      const [word = "", ...names] = words(line);
      if (!/^(auto|allow-\S+)$/.test(word)) return line;
      const pattern = names.find((name) => cards.some((card) => isPatternFor(name, card)));
      if (pattern !== undefined)
        throw new HushboxError(
          "setup",
          `${path} lets ifupdown bring cards up by a pattern ("${words(line).join(" ")}"), which stands for ${cards.join(" or ")} too: write the names of the other cards instead`,
        );
      // A name may have a stanza of another name: eth0=home.
      const left = names.filter((name) => !cards.includes(name.replace(/=.*/, "")));
      if (left.length === names.length) return line;
      const rest = left.length > 0 ? `${word} ${left.join(" ")}\n` : "";
      return `${rest}# taken over by hushbox setup: ${words(line).join(" ")}`;
    })
    .join("\n");
}

/** Lines with those in which they go on: a backslash at the end says so, but not in a comment. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let open = false;
  for (const line of text.split("\n")) {
    const before = open ? lines.pop() : undefined;
    lines.push(before === undefined ? line : `${before}\n${line}`);
    open = line.endsWith("\\") && (open || !/^\s*#/.test(line));
  }
  return lines;
}

function words(line: string): string[] {
  return line.replaceAll("\\\n", " ").trim().split(/\s+/);
}

/** `/eth*`, and `/eth*=home`; what goes by MAC address or type is taken for any card. */
function isPatternFor(name: string, card: string): boolean {
  const [how, pattern = ""] = name.replace(/=.*/, "").split("/");
  if (!name.includes("/")) return false;
  return how !== "" || globbed(pattern).test(card);
}

/** A file, and those that it includes. */
function gather(host: Host, path: string, files: Map<string, string>, depth: number): void {
  const text = files.has(path) ? null : host.read(path);
  if (text === null) return;
  files.set(path, text);
  if (depth === 0) return;
  for (const line of logicalLines(text)) {
    const [word, ...patterns] = words(line);
    for (const pattern of patterns) {
      const whole = resolve(dirname(path), pattern);
      const found =
        word === "source"
          ? matching(host, whole)
          : word === "source-directory"
            ? matching(host, `${whole}/*`).filter((file) => /\/[\w-]+$/.test(file))
            : [];
      for (const file of found) gather(host, file, files, depth - 1);
    }
  }
}

/** Files of a pattern as the shell has them, in its last part alone. */
function matching(host: Host, pattern: string): string[] {
  const folder = dirname(pattern);
  const name = globbed(pattern.slice(folder.length).replace(/^\//, ""));
  try {
    return readdirSync(host.path(folder), { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith(".") && name.test(entry.name))
      .map((entry) => join(folder, entry.name))
      .sort();
  } catch {
    return [];
  }
}

function globbed(pattern: string): RegExp {
  const body = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".")
    .replaceAll("[!", "[^");
  try {
    return new RegExp(`^${body}$`);
  } catch {
    // A bracket that is not closed stands for itself.
    return new RegExp(`^${body.replace(/[[\]]/g, "\\$&")}$`);
  }
}
