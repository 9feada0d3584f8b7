import { parseArgs } from "node:util";
import { parse } from "yaml";
import { DEFENSE_NAMES, type DefenseName } from "../defense/schema.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { Client, CLIENT_HELP, CLIENT_OPTIONS, type Answer } from "./client.js";
import type { Command } from "./command.js";

/** `hushbox set`: changes a running daemon. */
export const command: Command = {
  summary: "change the running box while traffic flows",
  usage: `Usage: hushbox set preset NAME [--device NAME] [--persist] [--json]
       hushbox set KEY=VALUE... [--device NAME] [--persist] [--json]

Changes values of a running daemon; packets see them within milliseconds. Keys of defenses stand alone
(jitter.variance), others as in the configuration file (budget.perMonth, log.level). Values are as in the file;
null takes a value back, so that the preset or the default decides again.

  --device NAME       for this device alone
  --persist           write it to the configuration file too; else it is gone after a restart
  --json              the answer as one object
${CLIENT_HELP}

Examples:
  sudo hushbox set preset paper
  sudo hushbox set jitter.variance=4 jitter.maxDelay=10ms --device kitchen --persist
  sudo hushbox set 'decoy.kinds=[udp, icmp]'
`,
  run,
};

type Tree = Record<string, unknown>;

interface Assignment {
  readonly keys: readonly string[];
  readonly value: unknown;
}

interface Target {
  readonly device: string | undefined;
  readonly query: string;
}

interface Change {
  readonly changed: readonly string[];
  readonly milliseconds: number;
  readonly persisted: boolean;
}

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      device: { type: "string" },
      persist: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      ...CLIENT_OPTIONS,
    },
  });
  const assignments = assignmentsOf(positionals);
  const target: Target = { device: values.device, query: values.persist ? "?persist=true" : "" };
  const { body } = await send(new Client(values), assignments, target);
  const change = body as Change;
  console.log(values.json ? JSON.stringify(change) : inWords(change));
  return 0;
}

function assignmentsOf(words: readonly string[]): Assignment[] {
  const [first, second, ...more] = words;
  if (first === undefined)
    throw new HushboxError("usage", "what is to be set? For example: preset paper, or jitter.variance=4");
  if (first === "preset" && second !== undefined && more.length === 0) return [{ keys: ["preset"], value: second }];
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at < 1) throw new HushboxError("usage", `"${word}" is no KEY=VALUE`);
    return { keys: word.slice(0, at).split("."), value: valueOf(word.slice(at + 1), word) };
  });
}

/** A value in the file's form: what YAML makes of it. */
function valueOf(text: string, word: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (cause) {
    throw new HushboxError("usage", `the value of "${word}" cannot be read`, cause);
  }
}

/** One request does it all or nothing: the narrow ones where they fit, else the whole configuration. */
async function send(client: Client, assignments: readonly Assignment[], target: Target): Promise<Answer> {
  const { device, query } = target;
  const [first] = assignments;
  if (assignments.length === 1 && first?.keys.join(".") === "preset" && first.value !== null) {
    return client.change("PUT", `/api/v1/preset${query}`, {
      preset: first.value,
      ...(device === undefined ? {} : { device }),
    });
  }
  const name = first?.keys[0] ?? "";
  if (isDefense(name) && assignments.every(({ keys }) => keys.length === 2 && keys[0] === name)) {
    const patch = Object.fromEntries(assignments.map(({ keys, value }) => [keys[1] ?? "", value]));
    const search = new URLSearchParams({
      ...(device === undefined ? {} : { device }),
      ...(query === "" ? {} : { persist: "true" }),
    });
    return client.change("PATCH", `/api/v1/defenses/${name}?${search.toString()}`, patch);
  }
  const { body, etag } = await client.get("/api/v1/config");
  const config = body as Tree;
  const owner = device === undefined ? config : deviceOf(config, device);
  for (const { keys, value } of assignments) put(owner, isDefense(keys[0] ?? "") ? ["defenses", ...keys] : keys, value);
  return client.change("PUT", `/api/v1/config${query}`, config, { "If-Match": etag ?? "" });
}

function isDefense(word: string): word is DefenseName {
  return DEFENSE_NAMES.some((name) => name === word);
}

function deviceOf(config: Tree, name: string): Tree {
  const devices = config["devices"] as Tree[];
  const device = devices.find((known) => known["name"] === name);
  if (device === undefined)
    throw new HushboxError(
      "usage",
      `there is no device ${name}; there are ${devices.map((known) => String(known["name"])).join(", ")}`,
    );
  return device;
}

/** Sets a value deep inside; what is not on the way yet is made. Whether it makes sense is the daemon's to say. */
function put(tree: Tree, keys: readonly string[], value: unknown): void {
  const [key = "", ...rest] = keys;
  if (rest.length === 0) {
    if (value === null) Reflect.deleteProperty(tree, key);
    else tree[key] = value;
    return;
  }
  const inner = tree[key];
  const next: Tree = typeof inner === "object" && inner !== null ? (inner as Tree) : {};
  if (next !== inner) tree[key] = next;
  put(next, rest, value);
}

function inWords({ changed, milliseconds, persisted }: Change): string {
  if (changed.length === 0) return `nothing changed: that is how it is already${persisted ? "; saved" : ""}`;
  const kept = persisted ? "saved to the file" : "not saved: it is gone after a restart (--persist saves it)";
  return `changed ${changed.join(", ")}; packets saw it after ${milliseconds} ms; ${kept}`;
}
