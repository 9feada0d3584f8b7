import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { test } from "tap";
import { checkConfig } from "../../../src/config/check-config.js";
import { complete } from "../../../src/config/defaults.js";
import { parseConfig } from "../../../src/config/document.js";
import { editorSchema } from "../../../src/config/editor-schema.js";
import { resolve } from "../../../src/config/resolve.js";
import { ConfigSchema, type Config } from "../../../src/config/schema.js";
import { compile } from "../../../src/config/settings.js";
import { HushboxError } from "../../../src/errors/hushbox-error.js";
import { PRESETS } from "../../../src/defense/presets.js";
import { showBudget, showDefenses } from "../../../src/defense/schema.js";
import { GENERATED, ROOT } from "../../support/generated.js";

const MINIMAL = `inside: wlan0
outside: eth0
devices:
  - {name: kitchen, mac: "aa:bb:cc:dd:ee:ff"}
`;

function parse(text: string): Config {
  return parseConfig(Buffer.from(text), "f.yaml").config;
}

function complaints(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof HushboxError && error.code === "config-invalid") return error.message;
    throw error;
  }
  return "";
}

/** Lines behind the minimal file (line 5 on), and the whole complaint. */
const BAD: readonly (readonly [what: string, text: string, complaint: string])[] = [
  [
    "an unknown key",
    "jiter: {}\n",
    'f.yaml:5:1 /jiter unknown key "jiter"; known here: inside, outside, preset, role, devices, defenses, budget, onFailure, isolate, local, tunnel, nic, api, state, log',
  ],
  ["a misspelt key", "defences: {}\n", 'f.yaml:5:1 /defences unknown key "defences"; did you mean "defenses"?'],
  [
    "a misspelt key deep inside",
    "defenses:\n  jitter:\n    maxdelay: 20ms\n",
    'f.yaml:7:5 /defenses/jitter/maxdelay unknown key "maxdelay"; did you mean "maxDelay"?',
  ],
  ["swapped letters", "budget: {shrae: 1}\n", 'f.yaml:5:10 /budget/shrae unknown key "shrae"; did you mean "share"?'],
  ["a duplicate key", "preset: off\npreset: paper\n", "f.yaml:6:1 this key is there already"],
  ["a tab", "nic:\n\tslots: 1024\n", "f.yaml:6:1 a tab; YAML is indented with spaces only"],
  [
    "a merge key",
    "budget:\n  <<: {share: 1}\n",
    'f.yaml:6:3 /budget/<< unknown key "<<"; known here: packetsPerSecond, bytesPerSecond, share, perMonth',
  ],
  ["a tag", "preset: !secret off\n", "f.yaml:5:9 Unresolved tag: !secret"],
  ["an alias of nothing", "preset: *x\n", "f.yaml:5:9 *x refers to an anchor that is not there"],
  ["a second document", "---\npreset: off\n", "f.yaml:5:1 a second document begins here; a configuration is one"],
  [
    "a duration without unit",
    "defenses: {jitter: {window: 2}}\n",
    "f.yaml:5:29 /defenses/jitter/window expected a duration with its unit such as 20ms, got 2",
  ],
  [
    "a duration with a space",
    'defenses: {jitter: {window: "2 s"}}\n',
    'f.yaml:5:29 /defenses/jitter/window expected a duration with its unit such as 20ms, got "2 s"',
  ],
  [
    "a wrong unit",
    "defenses: {jitter: {maxDelay: 20B}}\n",
    'f.yaml:5:31 /defenses/jitter/maxDelay expected a duration with its unit such as 20ms, got "20B"',
  ],
  [
    "a duration out of bounds",
    "defenses: {jitter: {maxDelay: 1h}}\n",
    'f.yaml:5:31 /defenses/jitter/maxDelay expected a duration with its unit from 0 to 5s, got "1h"',
  ],
  [
    "a size in the case of nobody",
    "budget: {bytesPerSecond: 100KB}\n",
    'f.yaml:5:26 /budget/bytesPerSecond expected a size with its unit such as 100B, got "100KB"',
  ],
  [
    "a monthly size without month",
    "budget: {perMonth: 2GB}\n",
    'f.yaml:5:20 /budget/perMonth expected a size a month such as 2GB/month, got "2GB"',
  ],
  [
    "a frame that is too long",
    "defenses: {pad: {target: 9000B}}\n",
    'f.yaml:5:26 /defenses/pad/target expected mtu, max, or the bytes of an Ethernet frame from 60B to 1522B, got "9000B"',
  ],
  [
    "a target of no kind",
    "defenses: {pad: {target: big}}\n",
    'f.yaml:5:26 /defenses/pad/target expected mtu, max, or the bytes of an Ethernet frame such as mtu, got "big"',
  ],
  [
    "yes for true",
    "defenses: {pad: {enabled: yes}}\n",
    'f.yaml:5:27 /defenses/pad/enabled expected true or false, got "yes"',
  ],
  [
    "a number in quotes",
    'defenses: {decoy: {hops: "2"}}\n',
    'f.yaml:5:26 /defenses/decoy/hops expected a whole number, got "2"',
  ],
  [
    "half a hop",
    "defenses: {decoy: {hops: 1.5}}\n",
    "f.yaml:5:26 /defenses/decoy/hops expected a whole number, got 1.5",
  ],
  [
    "too many hops",
    "defenses: {decoy: {hops: 65}}\n",
    "f.yaml:5:26 /defenses/decoy/hops expected a number from 1 to 64, got 65",
  ],
  [
    "a negative variance",
    "defenses: {decoy: {variance: -1}}\n",
    "f.yaml:5:30 /defenses/decoy/variance expected a number from 0 to 1000, got -1",
  ],
  [
    "infinite variance",
    "defenses: {decoy: {variance: .inf}}\n",
    "f.yaml:5:30 /defenses/decoy/variance expected a number, got Infinity",
  ],
  [
    "variance that is no number",
    "defenses: {decoy: {variance: .nan}}\n",
    "f.yaml:5:30 /defenses/decoy/variance expected a number, got NaN",
  ],
  ["no kinds", "defenses: {decoy: {kinds: []}}\n", "f.yaml:5:27 /defenses/decoy/kinds expected at least 1, got none"],
  [
    "a kind twice",
    "defenses: {decoy: {kinds: [tcp, udp, tcp]}}\n",
    "f.yaml:5:38 /defenses/decoy/kinds/2 is there already, as number 1",
  ],
  [
    "a misspelt kind",
    "defenses: {decoy: {kinds: [tpc]}}\n",
    'f.yaml:5:28 /defenses/decoy/kinds/0 expected one of tcp, udp, icmp, traceroute, got "tpc"; did you mean "tcp"?',
  ],
  [
    "a preset that is not there",
    "preset: tunel\n",
    'f.yaml:5:9 /preset expected one of off, paper, standalone, tunnel, paired, got "tunel"; did you mean "tunnel"?',
  ],
  ["a section left empty", "local:\n", "f.yaml:5:7 /local expected an object (keys and values), got nothing"],
  ["a list for a section", "nic: []\n", "f.yaml:5:6 /nic expected an object (keys and values), got a list"],
  ["slots that fit no block", "nic: {slots: 1000}\n", "f.yaml:5:14 /nic/slots expected a multiple of 32, got 1000"],
  [
    "a relative path",
    "state: var\n",
    'f.yaml:5:8 /state expected an absolute path such as /var/lib/hushbox, got "var"',
  ],
  [
    "a network without bits",
    "local: {networks: [10.0.0.0]}\n",
    'f.yaml:5:20 /local/networks/0 expected a network with its prefix length such as 192.168.0.0/16, got "10.0.0.0"',
  ],
  [
    "too many bits",
    "local: {networks: [10.0.0.0/8, 10.0.0.0/33]}\n",
    "f.yaml:5:32 /local/networks/1 a prefix of this address has at most 32 bits, got 33",
  ],
  [
    "an address of no network",
    "local: {networks: [10.0.0/8]}\n",
    "f.yaml:5:20 /local/networks/0 10.0.0 is not an IP address",
  ],
  [
    "a listen address without port",
    "api: {listen: 127.0.0.1}\n",
    'f.yaml:5:15 /api/listen expected an IP address or localhost with a port such as 127.0.0.1:8377, got "127.0.0.1"',
  ],
  ["a port too high", "api: {listen: 127.0.0.1:65536}\n", "f.yaml:5:15 /api/listen a port is at most 65535, got 65536"],
  [
    "an address too high",
    "api: {listen: 127.0.0.256:80}\n",
    "f.yaml:5:15 /api/listen 127.0.0.256 is not an IP address",
  ],
  [
    "a rate of nothing",
    "api: {rateLimit: 0/min}\n",
    'f.yaml:5:18 /api/rateLimit expected requests a second, minute or hour such as 600/min, got "0/min"',
  ],
  [
    "a level that is not there",
    "log: {level: verbose}\n",
    'f.yaml:5:14 /log/level expected one of error, warn, info, debug, got "verbose"',
  ],
];

test("bad: each mistake behind an otherwise good file", (t) => {
  for (const [what, text, complaint] of BAD) t.equal(complaints(MINIMAL + text), complaint, `bad ${what}`);
  t.end();
});

/** Whole files. */
const BAD_FILES: readonly (readonly [what: string, text: string, complaint: string])[] = [
  ["an empty file", "", "f.yaml:1:1 is empty: it needs at least inside, outside and devices"],
  ["comments alone", "# nothing\n", "f.yaml:1:1 is empty: it needs at least inside, outside and devices"],
  ["a list", "- inside\n", "f.yaml:1:1 expected an object (keys and values), got a list"],
  [
    "an open bracket",
    "inside: [\n",
    "f.yaml:2:1 Flow sequence in block collection must be sufficiently indented and end with a ]",
  ],
  [
    "what is missing",
    "outside: eth0\ndevices: []\n",
    'f.yaml:1:1 "inside" is missing: The interface toward the devices. Needs a restart.\nf.yaml:2:10 /devices expected at least 1, got none',
  ],
  [
    "slots without a tunnel",
    `${MINIMAL}preset: paired\n`,
    "f.yaml:5:9 /preset needs a tunnel: name a wg-quick file as tunnel.file",
  ],
  [
    "slots without a tunnel, of one device",
    MINIMAL.replace("}", ", preset: tunnel}"),
    "f.yaml:4:5 /devices/0 needs a tunnel: name a wg-quick file as tunnel.file",
  ],
  [
    "a gateway for stock peers",
    "inside: a\noutside: a\nrole: gateway\npreset: tunnel\ndevices: []\ntunnel: {file: /etc/w.conf}\n",
    "f.yaml:4:9 /preset leaves the way down to a stock peer: a hushbox at the far end has paired",
  ],
  [
    "a gateway without tunnels",
    "inside: a\noutside: a\nrole: gateway\ndevices: []\n",
    "f.yaml:1:1 /tunnel/file is missing: a gateway is the far end of tunnels",
  ],
  [
    "a gateway with devices, and libpcap",
    `${MINIMAL}role: gateway\ntunnel: {file: /etc/w.conf, dns: [1.2.3.444]}\nnic: {card: libpcap}\n`,
    "f.yaml:4:3 /devices are the boxes' affair: a gateway knows boxes by the [Peer]s of its WireGuard file\nf.yaml:6:35 /tunnel/dns/0 1.2.3.444 is not an IP address\nf.yaml:7:13 /nic/card libpcap carries no tunnel: set ring",
  ],
  [
    "between stations, in a tunnel",
    `${MINIMAL}isolate: true\ntunnel: {file: /etc/w.conf}\n`,
    "f.yaml:5:10 /isolate is not for a tunnel: what stays at home is the bridge's there",
  ],
  [
    "between stations, with a preset whose tunnel is there",
    `${MINIMAL}isolate: true\npreset: paired\ntunnel: {file: /etc/w.conf}\n`,
    "f.yaml:5:10 /isolate is not for a tunnel: what stays at home is the bridge's there",
  ],
  ...["tunnel", "paired"].map(
    (preset) =>
      [
        `between stations, with ${preset} before its tunnel is there`,
        `${MINIMAL}isolate: true\npreset: ${preset}\n`,
        "f.yaml:5:10 /isolate is not for a tunnel: what stays at home is the bridge's there\nf.yaml:6:9 /preset needs a tunnel: name a wg-quick file as tunnel.file",
      ] as const,
  ),
  [
    "between stations, with a device whose tunnel is missing",
    `${MINIMAL.replace("}", ", preset: tunnel}")}isolate: true\n`,
    "f.yaml:4:5 /devices/0 needs a tunnel: name a wg-quick file as tunnel.file\nf.yaml:5:10 /isolate is not for a tunnel: what stays at home is the bridge's there",
  ],
  [
    "between stations, by libpcap",
    `${MINIMAL}isolate: true\nnic: {card: libpcap}\n`,
    "f.yaml:5:10 /isolate is not for nic.card libpcap, which takes only what devices send: set ring",
  ],
  [
    "one interface for both sides",
    MINIMAL.replace("wlan0", "eth0"),
    "f.yaml:2:10 /outside is the same interface as inside (eth0): the box stands between two",
  ],
  [
    "an interface name that Linux would not take",
    MINIMAL.replace("wlan0", "averylonginterface"),
    'f.yaml:1:9 /inside expected the name of a network interface such as eth0, got "averylonginterface"',
  ],
  [
    "two devices of one name and address",
    `${MINIMAL}  - {name: kitchen, mac: "AA:BB:CC:DD:EE:FF"}\n`,
    "f.yaml:5:12 /devices/1/name kitchen is the name of device 1 already\nf.yaml:5:26 /devices/1/mac aa:bb:cc:dd:ee:ff is the address of device 1 already",
  ],
  [
    "a group address",
    MINIMAL.replace("aa:bb", "01:00"),
    "f.yaml:4:26 /devices/0/mac 01:00:cc:dd:ee:ff is a group address (its first byte is odd); a device has one of its own",
  ],
  [
    "the address of zeros",
    MINIMAL.replace("aa:bb:cc:dd:ee:ff", "00:00:00:00:00:00"),
    "f.yaml:4:26 /devices/0/mac no device has the address of zeros",
  ],
  [
    "a name with capitals, a device without address, and more, all at once",
    "inside: a\noutside: b\ndevices:\n  - name: Kitchen\n  - mac: 5\n    name: a--b\n",
    [
      'f.yaml:4:5 /devices/0 "mac" is missing: Frames are recognised by it; unique. It stands on the device\'s label or in its app.',
      'f.yaml:4:11 /devices/0/name expected lower-case letters, digits and single hyphens, at most 32 such as kitchen, got "Kitchen"',
      "f.yaml:5:10 /devices/1/mac expected a MAC address such as aa:bb:cc:dd:ee:ff, got 5",
      'f.yaml:6:11 /devices/1/name expected lower-case letters, digits and single hyphens, at most 32 such as kitchen, got "a--b"',
    ].join("\n"),
  ],
];

test("bad: whole files", (t) => {
  for (const [what, text, complaint] of BAD_FILES) t.equal(complaints(text), complaint, `bad ${what}`);
  t.equal(
    complaints(`# ${"x".repeat(1024 * 1024)}\n`),
    "f.yaml: is longer than 1 MiB; that is not a configuration",
    "bad a huge file",
  );
  t.throws(() => parseConfig(Buffer.from([0x61, 0xff, 0xfe]), "f.yaml"), {
    code: "config-invalid",
    message: "f.yaml: is not UTF-8 text",
  });
  const bomb = Array.from(
    { length: 12 },
    (_, i) =>
      `${"abcdefghijkl"[i] ?? ""}: &${"abcdefghijkl"[i] ?? ""} [${Array(9)
        .fill(i === 0 ? "x" : `*${"abcdefghijkl"[i - 1] ?? ""}`)
        .join(", ")}]`,
  ).join("\n");
  t.match(complaints(bomb), /Excessive alias count/, "bad an alias bomb");
  t.end();
});

const OK: readonly (readonly [what: string, text: string, check: (config: Config) => boolean])[] = [
  ["off is a word, not a truth value", "preset: off\n", (c) => c.preset === "off"],
  ["offloads off without quotes", "nic: {offloads: off}\n", (c) => compile(c).offloads === "off"],
  [
    "no window of waiting",
    "defenses: {jitter: {maxDelay: 0}}\n".replace("0}", '"0"}'),
    (c) => compile(c).datapath.devices[0]?.defenses.jitter.maxDelay === 0,
  ],
  [
    "binary sizes",
    "budget: {bytesPerSecond: 64KiB}\n",
    (c) => compile(c).datapath.devices[0]?.budget.bytesPerSecond === 65536,
  ],
  [
    "a half second",
    "defenses: {decoy: {window: 0.5s}}\n",
    (c) => compile(c).datapath.devices[0]?.defenses.decoy.window === 500_000,
  ],
  [
    "a target in bytes",
    "defenses: {pad: {target: 1.5kB}}\n",
    (c) => compile(c).datapath.devices[0]?.defenses.pad.target === 1500,
  ],
  [
    "an IPv6 listen address",
    'api: {listen: "[::1]:0"}\n',
    (c) => compile(c).api.host === "::1" && compile(c).api.port === 0,
  ],
  ["localhost", "api: {listen: localhost:80}\n", (c) => compile(c).api.host === "localhost"],
  ["a rate an hour", "api: {rateLimit: 5/h}\n", (c) => compile(c).api.rateLimit.milliseconds === 3_600_000],
  ["a token elsewhere", "api: {tokenFile: /run/t}\nstate: /s\n", (c) => compile(c).api.tokenFile === "/run/t"],
  ["a token in the state", "state: /s\n", (c) => compile(c).api.tokenFile === "/s/token"],
  ["between stations", "isolate: true\n", (c) => compile(c).datapath.isolate],
  ["not between stations", "", (c) => !compile(c).datapath.isolate],
  ["no networks at home", "local: {networks: []}\n", (c) => compile(c).datapath.local.length === 0],
  [
    "anchors",
    "defenses: {pad: &p {enabled: false}}\n",
    (c) => compile(c).datapath.devices[0]?.defenses.pad.enabled === false,
  ],
];

test("ok", (t) => {
  for (const [what, text, check] of OK) t.ok(check(parse(MINIMAL + text)), `ok ${what}`);
  t.equal(
    compile(parse(MINIMAL.replace("aa:bb:cc:dd:ee:ff", "AA:BB:CC:DD:EE:FF"))).datapath.devices[0]?.mac,
    "aa:bb:cc:dd:ee:ff",
    "ok capitals in a MAC",
  );
  t.same(structuredClone(compile(parse(MINIMAL))), compile(parse(MINIMAL)), "ok settings survive structuredClone");
  t.end();
});

test("values resolve: preset, then overrides, then the device's", (t) => {
  const config = parse(`inside: a
outside: b
preset: paper
devices:
  - {name: plain, mac: "02:00:00:00:00:01"}
  - {name: own, mac: "02:00:00:00:00:02", defenses: {jitter: {variance: 8}}, budget: {share: 0.5}}
  - {name: quiet, mac: "02:00:00:00:00:03", preset: off, defenses: {pad: {enabled: true}}}
defenses: {jitter: {variance: 4, maxDelay: 5ms}}
budget: {perMonth: 1GB/month}
`);
  const [plain, own, quiet] = config.devices.map((device) => resolve(config, device));
  t.equal(plain?.defenses.jitter.variance, 4);
  t.equal(own?.defenses.jitter.variance, 8);
  t.equal(own?.defenses.jitter.maxDelay, 5000);
  t.equal(
    quiet?.defenses.jitter.maxDelay,
    PRESETS.off.defenses.jitter.maxDelay,
    "a preset of its own takes no top-level overrides",
  );
  t.equal(quiet?.defenses.jitter.enabled, false);
  t.equal(quiet?.defenses.pad.enabled, true);
  t.equal(quiet?.budget.perMonth, 1e9, "but the top-level budget bounds it");
  t.same(own?.origins.jitter, { enabled: "preset", variance: "device", window: "preset", maxDelay: "override" });
  t.same(own?.origins.budget, {
    packetsPerSecond: "preset",
    bytesPerSecond: "preset",
    share: "device",
    perMonth: "override",
  });
  t.equal(quiet?.origins.pad.enabled, "device");
  t.equal(resolve(config).origins.jitter.variance, "override");
  t.end();
});

const example = readFileSync(join(ROOT, "config.example.yaml"));

test("config.example.yaml is valid, equals the defaults, and holds every key", (t) => {
  const { config, text } = parseConfig(example, "config.example.yaml");
  t.same(compile(config), compile(parse(MINIMAL)), "what it says is what applies without it");
  const { defenses, budget, ...written } = complete(config);
  t.same(written, { ...complete(parse(MINIMAL)), devices: config.devices });
  t.same(defenses, showDefenses(PRESETS.paper.defenses), "the defenses are those of the preset, in the canonical form");
  t.same(budget, showBudget(PRESETS.paper.budget));
  const missing: string[] = [];
  walk(ConfigSchema as unknown as Node, config, "", missing);
  t.same(missing, [], "every key of the schema stands in it");
  const bare = text.split("\n").filter((line) => /^\s*(- )?[A-Za-z]+:/.test(line) && !line.includes(" # "));
  t.same(bare, [], "every key has its line of why");
  t.end();
});

interface Node {
  properties?: Record<string, Node>;
  items?: Node;
}

/** Keys of the schema that a value lacks; devices' overrides repeat the top level and need not be spelt out. */
function walk(schema: Node, value: unknown, path: string, missing: string[]): void {
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    const inner = (value as Record<string, unknown>)[key];
    if (inner === undefined) missing.push(`${path}/${key}`);
    else if (!(path.startsWith("/devices/") && (key === "defenses" || key === "budget")))
      walk(child, inner, `${path}/${key}`, missing);
  }
  if (schema.items?.properties !== undefined)
    (value as unknown[]).forEach((item, i) => {
      walk(schema.items ?? {}, item, `${path}/${String(i)}`, missing);
    });
}

test("the generated files are current (npm run schema writes them)", (t) => {
  for (const [path, text] of Object.entries(GENERATED)) t.equal(readFileSync(join(ROOT, path), "utf8"), text(), path);
  t.end();
});

test("the editors' schema says the same as the daemon's", (t) => {
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(JSON.parse(editorSchema()) as object);
  t.ok(validate(parse(MINIMAL)));
  t.notOk(validate({ ...parse(MINIMAL), jiter: {} }));
  const undescribed: string[] = [];
  const described = (schema: Node & { description?: string }, path: string): void => {
    if (schema.description === undefined) undescribed.push(path);
    for (const [key, child] of Object.entries(schema.properties ?? {})) described(child, `${path}/${key}`);
    if (schema.items?.properties !== undefined) described(schema.items, `${path}/items`);
  };
  described(JSON.parse(editorSchema()) as Node, "");
  t.same(undescribed, [], "every key is described");
  t.end();
});

test("a value over HTTP is checked by the same rules", (t) => {
  t.same(checkConfig(null), [{ path: "", message: "expected an object (keys and values), got nothing" }]);
  t.same(
    checkConfig({ ...parse(MINIMAL), "a/b~c": 1 }).map(({ path }) => path),
    ["/a~1b~0c"],
    "pointers are escaped (RFC 6901)",
  );
  t.same(
    checkConfig(
      JSON.parse(
        `{"inside":"a","outside":"b","devices":[{"name":"k","mac":"02:00:00:00:00:01"}],"__proto__":{"preset":"off"}}`,
      ),
    ).map(({ path }) => path),
    ["/__proto__"],
  );
  t.end();
});
