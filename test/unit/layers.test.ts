import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "tap";
import { ROOT } from "../support/generated.js";

/** The rooms of the house in order. A room imports itself and rooms before it. */
const ROOMS = [
  "time", // moments and spans
  "random", // draws
  "errors", // what went wrong
  "log", // the abnormal
  "wire", // views over bytes
  "packet", // a frame and what we know of it
  "flow", // 5-tuples
  "defense", // decides
  "schedule", // departures
  "tunnel", // slots and episodes
  "nic", // cards
  "datapath", // the loop
  "trace", // what an observer saw
  "features", // its vector
  "attack", // classifiers
  "leakage", // what they get
  "metrics", // for Prometheus
  "config", // the file
  "api", // over HTTP
  "emulator", // a speaker and its cloud
  "lab", // captures through the datapath
  "daemon", // puts it together
  "setup", // makes the machine an access point
  "demo", // shows it
  "main", // the command line
];

const SRC = join(ROOT, "src");
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^"';]*?from\s*"(\.[^"]+)"|(?:^|\n)\s*import\s*"(\.[^"]+)"|\bimport\(\s*"(\.[^"]+)"\s*\)|new URL\(\s*"(\.[^"]+\.js)"/g;

/** Modules by path below src, with the modules that they import; `types`: also where only types are. */
function modules(types: boolean): Map<string, string[]> {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  return new Map(
    files.map((file) => {
      let text = readFileSync(join(SRC, file), "utf8");
      if (!types) text = text.replace(/(^|\n)(import|export) type [^;]*;/g, "$1");
      const found = [...text.matchAll(IMPORT)].map((match) => match.slice(1).find(Boolean) ?? "");
      return [file, found.map((to) => relative(SRC, join(SRC, dirname(file), to)).replace(/\.js$/, ".ts"))];
    }),
  );
}

const roomOf = (file: string): string =>
  file.includes("/") ? file.slice(0, file.indexOf("/")) : file.replace(/\.ts$/, "");

test("imports point left", (t) => {
  const all = modules(true);
  const edges = [...all].flatMap(([from, tos]) => tos.map((to) => ({ from, to })));
  t.ok(all.size > 30 && edges.length > 60, `looked at ${all.size} modules and ${edges.length} imports`);
  t.same(
    [...all.keys()].filter((file) => !ROOMS.includes(roomOf(file))),
    [],
    "every module is in a room",
  );
  t.same(
    edges.filter(({ to }) => !all.has(to)),
    [],
    "every import was found",
  );
  t.same(
    edges.filter(({ from, to }) => ROOMS.indexOf(roomOf(to)) > ROOMS.indexOf(roomOf(from))),
    [],
  );
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  t.equal(/^Rooms, imports point left: `([^`]+)`/m.exec(readme)?.[1], ROOMS.join(" · "), "the README names them");
  t.end();
});

test("there are no circles at run time", (t) => {
  const all = modules(false);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
    else if (!done.has(file)) {
      for (const to of all.get(file) ?? []) visit(to, [...path, file]);
      done.add(file);
    }
  };
  for (const file of all.keys()) visit(file, []);
  t.same(circles, []);
  t.end();
});
