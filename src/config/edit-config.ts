import { isDeepStrictEqual } from "node:util";
import { isMap, isScalar, isSeq, parseDocument, stringify, type Document, type YAMLMap, type YAMLSeq } from "yaml";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Config } from "./schema.js";

/**
 * A configuration's text changed so that it says `wanted`, with the user's comments, order and as much of the layout as can be.
 * Where only single values differ, exactly those bytes change; else the document is written anew from its tree, which keeps comments
 * and order but evens out spaces.
 */
export function editConfig(text: string, wanted: Config): string {
  const document = parseDocument(text, { stringKeys: true });
  const now: unknown = document.toJS();
  if (isDeepStrictEqual(now, wanted)) return text;
  const splices = spliced(text, document, wanted);
  if (splices !== null && says(splices, wanted)) return splices;
  document.contents = edited(document, document.contents, wanted) as typeof document.contents;
  const written = document.toString({ lineWidth: 0, flowCollectionPadding: !/\{\S/.test(text) });
  if (!says(written, wanted))
    throw new HushboxError(
      "config-conflict",
      "the file shares values by anchors (&, *) that this change would break: edit it by hand",
    );
  return written;
}

function says(text: string, wanted: Config): boolean {
  const document = parseDocument(text, { stringKeys: true });
  return document.errors.length === 0 && isDeepStrictEqual(document.toJS(), wanted);
}

/** The text with single scalars replaced in their places, or null where more than scalars differ. */
function spliced(text: string, document: Document, wanted: Config): string | null {
  const found: { from: number; to: number; text: string }[] = [];
  if (!collect(document.contents, wanted, found)) return null;
  return found
    .sort((a, b) => b.from - a.from)
    .reduce((result, s) => result.slice(0, s.from) + s.text + result.slice(s.to), text);
}

function collect(node: unknown, wanted: unknown, found: { from: number; to: number; text: string }[]): boolean {
  if (isScalar(node)) {
    if (node.value === wanted) return true;
    if (typeof wanted === "object" || node.range === undefined || node.range === null) return false;
    found.push({ from: node.range[0], to: node.range[1], text: scalarText(wanted) });
    return true;
  }
  if (isMap(node)) {
    if (!isRecord(wanted) || node.items.length !== Object.keys(wanted).length) return false;
    return node.items.every((pair) => keyOf(pair.key) in wanted && collect(pair.value, wanted[keyOf(pair.key)], found));
  }
  if (isSeq(node)) {
    return (
      Array.isArray(wanted) &&
      node.items.length === wanted.length &&
      node.items.every((item, i) => collect(item, wanted[i], found))
    );
  }
  return false;
}

/** A scalar as it stands in a flow list, so that it may stand anywhere. */
function scalarText(value: unknown): string {
  return stringify([value], { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 })
    .trim()
    .slice(1, -1);
}

/** The node changed in place to say `wanted`, or a new one where it is of another kind. */
function edited(document: Document, node: unknown, wanted: unknown): unknown {
  if (isMap(node) && isRecord(wanted)) return editedMap(document, node, wanted);
  if (isSeq(node) && Array.isArray(wanted)) return editedSeq(document, node, wanted);
  if (isScalar(node) && (typeof wanted !== "object" || wanted === null)) {
    if (node.value !== wanted) node.value = wanted;
    return node;
  }
  return document.createNode(wanted);
}

function editedMap(document: Document, map: YAMLMap, wanted: Record<string, unknown>): YAMLMap {
  map.items = map.items.filter((pair) => keyOf(pair.key) in wanted);
  for (const pair of map.items) pair.value = edited(document, pair.value, wanted[keyOf(pair.key)]);
  for (const [key, value] of Object.entries(wanted))
    if (!map.has(key)) map.set(document.createNode(key), document.createNode(value));
  return map;
}

/** Items keep their node by name or by value, so that a comment goes with its device. */
function editedSeq(document: Document, seq: YAMLSeq, wanted: readonly unknown[]): YAMLSeq {
  const left = [...seq.items];
  seq.items = wanted.map((value) => {
    const at = left.findIndex((node) =>
      isRecord(value) ? isMap(node) && node.get("name") === value["name"] : isScalar(node) && node.value === value,
    );
    const [node] = at < 0 ? [] : left.splice(at, 1);
    return edited(document, node, value);
  });
  return seq;
}

function keyOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
