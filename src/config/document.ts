import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from "yaml";
import { HushboxError } from "../errors/hushbox-error.js";
import { checkConfig } from "./check-config.js";
import { pointerKeys, type Problem } from "./problem.js";
import type { Config } from "./schema.js";

/** More is no configuration but an accident. */
const MAX_BYTES = 1024 * 1024;

/** Reads a configuration's text. Throws `config-invalid` with one line `name:line:column /path message` for each thing wrong. */
export function parseConfig(bytes: Uint8Array, name: string): { text: string; config: Config } {
  if (bytes.length > MAX_BYTES) throw invalid([`${name}: is longer than 1 MiB; that is not a configuration`]);
  const text = decode(bytes, name);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) throw invalid(faults.map((fault) => `${place(fault.pos[0])} ${oneLine(yamlMessage(fault))}`));
  if (document.contents === null)
    throw invalid([`${name}:1:1 is empty: it needs at least inside, outside and devices`]);
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) === undefined)
        throw invalid([`${place(start(alias) ?? 0)} *${alias.source} refers to an anchor that is not there`]);
    },
  });
  const value = plainValue(document, name);
  const problems = checkConfig(value);
  if (problems.length > 0) throw invalid(sorted(problems, document).map(({ at, line }) => `${place(at)} ${line}`));
  return { text, config: value as Config };
}

/** The error of a configuration, one line a finding. */
export function invalid(lines: readonly string[]): HushboxError {
  return new HushboxError("config-invalid", lines.join("\n"));
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HushboxError("config-invalid", `${name}: is not UTF-8 text`, cause);
  }
}

function plainValue(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (cause) {
    throw new HushboxError(
      "config-invalid",
      `${name}: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    );
  }
}

function yamlMessage(fault: { code: string; message: string }): string {
  switch (fault.code) {
    case "DUPLICATE_KEY":
      return "this key is there already";
    case "TAB_AS_INDENT":
      return "a tab; YAML is indented with spaces only";
    case "MULTIPLE_DOCS":
      return "a second document begins here; a configuration is one";
    default:
      return fault.message;
  }
}

/** A key may hold anything; a finding is one line, and harmless on a terminal. */
function oneLine(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Problems with their offsets in the text, in the order of the text. */
function sorted(problems: readonly Problem[], document: Document): { at: number; line: string }[] {
  return problems
    .map((problem) => ({
      at: offsetOf(document, problem),
      line: oneLine(`${problem.path} ${problem.message}`.trimStart()),
    }))
    .sort((a, b) => a.at - b.at);
}

/** Where a problem's value, or its key, stands; as near as there is something. */
function offsetOf(document: Document, problem: Problem): number {
  const keys = pointerKeys(problem.path);
  let node: unknown = document.contents;
  let offset = start(node) ?? 0;
  keys.forEach((key, i) => {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      const last = i === keys.length - 1;
      offset = (last && problem.atKey === true ? undefined : start(pair?.value)) ?? start(pair?.key) ?? offset;
      node = pair?.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = start(isPair(node) ? node.key : node) ?? offset;
    }
  });
  return offset;
}

function start(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
