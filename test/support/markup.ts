/** Elements of HTML that have no end. */
const VOID = new Set(["meta", "link", "br", "img", "input", "hr"]);
const TAG = /<(\/?)([A-Za-z][\w-]*)((?:\s+[\w:-]+(?:="[^"<]*")?)*)\s*(\/?)>/y;
const ENTITY = /&(?!(?:amp|lt|gt|quot|#\d+);)/;

/**
 * What is wrong with markup as XML has it (HTML's elements without an end, its doctype and style sheets aside); null where nothing is. Stricter than
 * browsers are: every element is closed, every attribute in quotes and once, no bare `<` or `&` in a text.
 */
export function markupFault(source: string, html = false): string | null {
  let text = html ? source.replace(/^<!doctype html>\s*/, "") : source;
  if (html) text = text.replace(/(<style>)[^<]*(<\/style>)/g, "$1$2");
  const open: string[] = [];
  let roots = 0;
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("<", at);
    const words = text.slice(at, next === -1 ? text.length : next);
    if (ENTITY.test(words)) return `a bare & in ${JSON.stringify(words.slice(0, 80))}`;
    if (open.length === 0 && words.trim() !== "") return `text outside of all elements: ${words.slice(0, 80)}`;
    if (next === -1) break;
    TAG.lastIndex = next;
    const tag = TAG.exec(text);
    if (tag === null) return `no tag: ${text.slice(next, next + 80)}`;
    const [all, end = "", name = "", attributes = "", alone = ""] = tag;
    if (ENTITY.test(attributes)) return `a bare & in ${all}`;
    const names = [...attributes.matchAll(/\s([\w:-]+)(?:="[^"]*")?/g)].map((found) => found[1]);
    if (new Set(names).size < names.length) return `an attribute twice: ${all}`;
    if (!html && /\s[\w:-]+(?=\s|$)/.test(attributes.replaceAll(/"[^"]*"/g, '""')))
      return `an attribute without a value: ${all}`;
    if (end === "/") {
      const opened = open.pop();
      if (opened !== name) return `</${name}> where ${opened ?? "nothing"} is open`;
    } else if (alone === "" && !(html && VOID.has(name))) {
      if (open.length === 0) roots++;
      open.push(name);
    }
    at = next + all.length;
  }
  if (open.length > 0) return `never closed: ${open.join(" ")}`;
  return roots === 1 ? null : `${roots} roots`;
}
