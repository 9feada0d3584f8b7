import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { test } from "tap";
import { checkConfig } from "../../src/config/check-config.js";
import { changedPaths, etagOf } from "../../src/config/compare.js";
import { parseConfig } from "../../src/config/document.js";
import { editConfig } from "../../src/config/edit-config.js";
import type { Config } from "../../src/config/schema.js";
import { compile } from "../../src/config/settings.js";
import { HushboxError } from "../../src/errors/hushbox-error.js";
import { formatSize, parseSize } from "../../src/packet/size.js";
import { formatDuration, parseDuration } from "../../src/time/duration.js";
import { micros } from "../../src/time/micros.js";
import { ROOT } from "../support/generated.js";

const EXAMPLE = readFileSync(join(ROOT, "config.example.yaml"), "utf8");

const duration = fc.tuple(fc.integer({ min: 100, max: 4000 }), fc.constant("ms")).map(([n, unit]) => `${n}${unit}`);
const jitter = fc.record(
  { enabled: fc.boolean(), variance: fc.integer({ min: 0, max: 1000 }), window: duration, maxDelay: duration },
  { requiredKeys: [] },
);
const decoy = fc.record(
  {
    enabled: fc.boolean(),
    kinds: fc.subarray(["tcp", "udp", "icmp", "traceroute"] as const, { minLength: 1 }).map((kinds) => [...kinds]),
    hops: fc.integer({ min: 1, max: 64 }),
  },
  { requiredKeys: [] },
);
const pad = fc.record(
  { enabled: fc.boolean(), target: fc.constantFrom("mtu", "max", "1514B", "1kB") },
  { requiredKeys: [] },
);
const defenses = fc.record({ pad, jitter, decoy }, { requiredKeys: [] });
const budget = fc.record(
  { share: fc.double({ min: 0, max: 100, noNaN: true }), perMonth: fc.constantFrom("1GB/month", "500MB/month") },
  { requiredKeys: [] },
);
const preset = fc.constantFrom("off" as const, "paper" as const);
const device = fc.record(
  { name: fc.constantFrom("kitchen", "hall", "attic", "on", "null", "1e3"), preset, defenses, budget },
  { requiredKeys: ["name"] },
);

const configs: fc.Arbitrary<Config> = fc
  .record(
    {
      inside: fc.constantFrom("wlan0", "yes", "12"),
      outside: fc.constantFrom("eth0", "~x", "#1"),
      preset,
      devices: fc.uniqueArray(device, { minLength: 1, maxLength: 4, selector: ({ name }) => name }),
      defenses,
      budget,
      state: fc.constantFrom("/var/lib/hushbox", "/a b/ü: #c"),
      api: fc.record(
        {
          hosts: fc.uniqueArray(fc.constantFrom("a.lan", "on", "0x1f"), { maxLength: 3 }),
          rateLimit: fc.constant("5/s"),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ["inside", "outside", "devices"] },
  )
  // What fast-check makes has no prototype; a file's values have.
  .map(
    (made) =>
      JSON.parse(
        JSON.stringify({
          ...made,
          devices: made.devices.map((one, i) => ({ ...one, mac: `02:00:00:00:00:0${String(i)}` })),
        }),
      ) as Config,
  );

test("whatever stands in a file, it is a configuration or a list of places", (t) => {
  const pieces = fc.constantFrom(...EXAMPLE.split(/(?<=[\n:,{}[\]"#])/));
  const hostile = fc.constantFrom(
    "\t",
    "&a ",
    "*a",
    "!!binary ",
    "<<: ",
    "---\n",
    "{",
    "]",
    "'",
    "\0",
    "\u2028",
    "? ",
    "- ",
    "|\n",
    "__proto__: ",
    "1e999",
    "\r",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.oneof(pieces, hostile), { maxLength: 60 }).map((parts) => parts.join("")),
    fc
      .tuple(fc.nat(EXAMPLE.length), fc.nat(40), hostile)
      .map(([at, cut, put]) => EXAMPLE.slice(0, at) + put + EXAMPLE.slice(at + cut)),
  );
  let good = 0;
  fc.assert(
    fc.property(text, (written) => {
      try {
        compile(parseConfig(Buffer.from(written), "f").config);
        good++;
      } catch (error) {
        if (!(error instanceof HushboxError) || error.code !== "config-invalid") throw error;
        if (!error.message.split("\n").every((line) => /^f(:\d+:\d+|:) ./.test(line)))
          throw new Error(`no place in: ${error.message}`, { cause: error });
      }
    }),
    { numRuns: 1500 },
  );
  t.comment(`${good} of 1500 were configurations`);
  t.pass();
  t.end();
});

test("arbitrary bytes are refused or read, never worse", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseConfig(bytes, "f");
      } catch (error) {
        if (!(error instanceof HushboxError)) throw error;
      }
    }),
  );
  t.pass();
  t.end();
});

test("any value over HTTP is a configuration or has problems with paths", (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        configs.map((config) => JSON.stringify(config)),
      ),
      (json) => {
        const value: unknown = JSON.parse(json);
        const problems = checkConfig(value);
        if (problems.length === 0) compile(value as Config);
        else if (!problems.every(({ path, message }) => /^(\/|$)/.test(path) && message !== ""))
          throw new Error(JSON.stringify(problems));
      },
    ),
  );
  t.pass();
  t.end();
});

test("an edited file says what was wanted, whatever it said before, and keeps its comments", (t) => {
  fc.assert(
    fc.property(configs, configs, (before, after) => {
      if (checkConfig(before).length > 0 || checkConfig(after).length > 0)
        throw new Error("the generator makes bad configurations");
      const first = editConfig(EXAMPLE, before);
      const second = editConfig(first, after);
      const read = parseConfig(Buffer.from(second), "f").config;
      if (changedPaths(read, after).length > 0) throw new Error(second);
      if (!second.includes("# hushbox configuration: every key")) throw new Error("the head is gone");
      if (editConfig(second, after) !== second) throw new Error("a second edit changes it again");
    }),
    { numRuns: 300 },
  );
  t.pass();
  t.end();
});

test("tags are the same for the same configuration alone", (t) => {
  fc.assert(
    fc.property(configs, configs, (a, b) => {
      const same = changedPaths(a, b).length === 0;
      const shuffled = Object.fromEntries(Object.entries(a).reverse()) as Config;
      return (etagOf(a) === etagOf(b)) === same && etagOf(a) === etagOf(shuffled);
    }),
  );
  t.pass();
  t.end();
});

test("quantities survive being written", (t) => {
  fc.assert(fc.property(fc.nat(1e12), (n) => parseDuration(formatDuration(micros(n))) === n));
  fc.assert(fc.property(fc.nat(1e12), (n) => parseSize(formatSize(n)) === n));
  t.pass();
  t.end();
});
