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
import { HushboxError, type ErrorCode } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import { pointerKeys, type Problem } from "./problem.js";

/** What a document is to be. */
export interface Expected {
  /** The code of every error. */
  readonly code: ErrorCode;
  /** What it is called: `a configuration`. */
  readonly noun: string;
  /** What it needs at least. */
  readonly empty: string;
  readonly maxBytes: number;
  /** Everything wrong with the value; none: it is what was expected. */
  readonly check: (value: unknown) => readonly Problem[];
}

/** Reads one strict YAML document. Throws a HushboxError with one line `name:line:column /path message` for each thing wrong. */
export function strictYaml(bytes: Uint8Array, name: string, expected: Expected): { text: string; value: unknown } {
  const { code, noun, empty, maxBytes, check } = expected;
  const invalid = (found: readonly string[]): HushboxError => new HushboxError(code, found.join("\n"));
  if (bytes.length > maxBytes)
    throw invalid([`${name}: is longer than ${maxBytes / (1 << 20)} MiB; that is not ${noun}`]);
  const text = decode(bytes, name, code);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0)
    throw invalid(faults.map((fault) => `${place(fault.pos[0])} ${oneLine(yamlMessage(fault, noun))}`));
  if (document.contents === null) throw invalid([`${name}:1:1 is empty: ${empty}`]);
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) === undefined)
        throw invalid([`${place(start(alias) ?? 0)} *${alias.source} refers to an anchor that is not there`]);
    },
  });
  const value = plainValue(document, name, code);
  const problems = check(value);
  if (problems.length > 0) throw invalid(sorted(problems, document).map(({ at, line }) => `${place(at)} ${line}`));
  return { text, value };
}

function decode(bytes: Uint8Array, name: string, code: ErrorCode): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HushboxError(code, `${name}: is not UTF-8 text`, cause);
  }
}

function plainValue(document: Document, name: string, code: ErrorCode): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (cause) {
    throw new HushboxError(code, `${name}: ${messageOf(cause)}`, cause);
  }
}

function yamlMessage(fault: { code: string; message: string }, noun: string): string {
  switch (fault.code) {
    case "DUPLICATE_KEY":
      return "this key is there already";
    case "TAB_AS_INDENT":
      return "a tab; YAML is indented with spaces only";
    case "MULTIPLE_DOCS":
      return `a second document begins here; ${noun} is one`;
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
