import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type Test } from "tap";
import { HushboxError } from "../../../src/errors/hushbox-error.js";
import { readEthernet, readInterface, type InterfaceCalls, type InterfaceFacts } from "../../../src/nic/interface.js";
import { Offloads } from "../../../src/nic/offload.js";

const ON = 7;
const OFF = 4;
const FIXED_ON = 9;

/** A kernel by hand: features change when asked unless fixed, and every call is noted with what the state file held then. */
class Kernel implements InterfaceCalls {
  readonly interfaces = new Map<string, { facts: InterfaceFacts; features: Record<string, number> }>();
  readonly sets: { name: string; features: readonly string[]; on: boolean; file: string }[] = [];
  refuse = 0;
  file = "";

  add(name: string, features: Record<string, number>, facts: Partial<InterfaceFacts> = {}): void {
    const whole = { index: 5, mtu: 1500, type: 1, up: true, running: true, mac: "02:00:00:00:00:05", ...facts };
    this.interfaces.set(name, { facts: whole, features: { ...features } });
  }

  interfaceNames(): string[] {
    return [...this.interfaces.keys()];
  }

  interfaceFacts(name: string): InterfaceFacts | number {
    return this.interfaces.get(name)?.facts ?? -19;
  }

  offloadRead(name: string): Record<string, number> | number {
    const found = this.interfaces.get(name);
    return found === undefined ? -19 : { ...found.features };
  }

  offloadSet(name: string, features: readonly string[], on: boolean): number {
    const file = existsSync(this.file) ? readFileSync(this.file, "utf8") : "";
    this.sets.push({ name, features, on, file });
    if (this.refuse !== 0) return -this.refuse;
    const found = this.interfaces.get(name);
    if (found === undefined) return -19;
    for (const feature of features) found.features[feature] = on ? ON : OFF;
    return 0;
  }
}

const CARD = {
  "rx-gro": ON,
  "rx-lro": OFF,
  "rx-gro-hw": FIXED_ON,
  "rx-gro-list": OFF,
  "tx-checksum-ip-generic": ON,
  "tx-tcp-segmentation": ON,
  "tx-tcp-accecn-segmentation": ON,
  "tx-generic-segmentation": ON,
  "tx-scatter-gather": ON,
  "rx-checksum": ON,
};

function setUp(t: Test): { kernel: Kernel; state: string; path: string } {
  const state = mkdtempSync(join(tmpdir(), "hushbox-offload-"));
  t.teardown(() => {
    rmSync(state, { recursive: true });
  });
  const kernel = new Kernel();
  kernel.file = join(state, "offloads.json");
  kernel.add("wlan0", CARD);
  return { kernel, state, path: kernel.file };
}

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof HushboxError ? `${error.code}: ${error.message}` : String(error);
  }
  return "no error";
}

test("turns off what joins or leaves work undone, and nothing else", (t) => {
  const { kernel, state } = setUp(t);
  const result = new Offloads(state, kernel, "boot").turnOff("wlan0");
  const off = [
    "rx-gro",
    "tx-checksum-ip-generic",
    "tx-tcp-segmentation",
    "tx-tcp-accecn-segmentation",
    "tx-generic-segmentation",
  ];
  t.same(result, { interface: "wlan0", off, stuck: ["rx-gro-hw"] });
  t.equal(kernel.interfaces.get("wlan0")?.features["tx-scatter-gather"], ON);
  t.equal(kernel.interfaces.get("wlan0")?.features["rx-checksum"], ON);
  t.end();
});

test("writes the state file before it changes anything, and removes it when all is back", (t) => {
  const { kernel, state, path } = setUp(t);
  const offloads = new Offloads(state, kernel, "boot");
  offloads.turnOff("wlan0");
  t.match(kernel.sets[0]?.file ?? "", /"rx-gro"/);
  t.ok(existsSync(path));
  t.same(offloads.putBack(), ["wlan0"]);
  t.same(kernel.interfaces.get("wlan0")?.features, CARD);
  t.notOk(existsSync(path));
  t.same(offloads.putBack(), [], "idempotent");
  t.end();
});

test("what was off before stays off", (t) => {
  const { kernel, state } = setUp(t);
  kernel.add("wlan0", { ...CARD, "rx-gro": OFF });
  const offloads = new Offloads(state, kernel, "boot");
  offloads.turnOff("wlan0");
  offloads.putBack();
  t.equal(kernel.interfaces.get("wlan0")?.features["rx-gro"], OFF);
  t.end();
});

test("the next run puts back what a dead one left, then starts over", (t) => {
  const { kernel, state, path } = setUp(t);
  kernel.add("eth0", CARD, { index: 6, mac: "02:00:00:00:00:06" });
  const dead = new Offloads(state, kernel, "boot");
  dead.turnOff("wlan0");
  dead.turnOff("eth0");
  const next = new Offloads(state, kernel, "boot");
  t.same(next.recover(), ["wlan0", "eth0"]);
  t.same(kernel.interfaces.get("eth0")?.features, CARD);
  t.notOk(existsSync(path));
  t.equal(next.turnOff("wlan0").off.length, 5);
  t.end();
});

test("leaves alone an interface that was replaced, renumbered or is gone, and everything after a reboot", (t) => {
  const { kernel, state } = setUp(t);
  const left = (): void => {
    kernel.add("wlan0", CARD);
    new Offloads(state, kernel, "boot").turnOff("wlan0");
  };
  left();
  kernel.add("wlan0", CARD, { index: 9 });
  t.same(new Offloads(state, kernel, "boot").recover(), []);
  left();
  kernel.add("wlan0", CARD, { mac: "02:00:00:00:00:99" });
  t.same(new Offloads(state, kernel, "boot").recover(), []);
  left();
  kernel.interfaces.clear();
  t.same(new Offloads(state, kernel, "boot").recover(), []);
  left();
  t.same(new Offloads(state, kernel, "another boot").recover(), []);
  t.equal(kernel.sets.filter((set) => set.on).length, 0);
  t.end();
});

test("an interface that comes back is turned off again without forgetting what to put back", (t) => {
  const { kernel, state } = setUp(t);
  const offloads = new Offloads(state, kernel, "boot");
  offloads.turnOff("wlan0");
  t.same(offloads.turnOff("wlan0").off, [], "nothing left to change");
  kernel.add("wlan0", CARD, { index: 17 });
  t.equal(offloads.turnOff("wlan0").off.length, 5);
  offloads.putBack();
  t.same(kernel.interfaces.get("wlan0")?.features, CARD);
  t.end();
});

test("a refusal leaves no record behind", (t) => {
  const { kernel, state, path } = setUp(t);
  kernel.refuse = 1;
  t.match(
    code(() => new Offloads(state, kernel, "boot").turnOff("wlan0")),
    /^permission: .*wlan0.*CAP_NET_ADMIN/,
  );
  t.notOk(existsSync(path));
  kernel.refuse = 95;
  t.match(
    code(() => new Offloads(state, kernel, "boot").turnOff("wlan0")),
    /^offload: .*errno 95/,
  );
  t.end();
});

test("a refusal while putting back keeps the record for the next run", (t) => {
  const { kernel, state, path } = setUp(t);
  const offloads = new Offloads(state, kernel, "boot");
  offloads.turnOff("wlan0");
  kernel.refuse = 1;
  t.match(
    code(() => offloads.putBack()),
    /^permission: /,
  );
  t.ok(existsSync(path));
  t.end();
});

test("a state file that is not one is an error with its path", (t) => {
  const { kernel, state, path } = setUp(t);
  for (const bad of [
    "",
    "{",
    "[]",
    "null",
    '{"version":2,"boot":"boot","interfaces":[]}',
    '{"version":1,"boot":"boot","interfaces":[{"name":1}]}',
  ]) {
    writeFileSync(path, bad);
    const message = code(() => new Offloads(state, kernel, "boot").recover());
    t.match(message, /^state-unreadable: /, bad);
    t.ok(message.includes(path));
  }
  t.end();
});

test("a missing interface names those that exist, one without Ethernet says what it is", (t) => {
  const { kernel } = setUp(t);
  kernel.add("tun0", {}, { type: 65534 });
  kernel.add("odd0", {}, { type: 4242 });
  t.match(
    code(() => readInterface("wlan9", kernel)),
    /^interface-missing: there is no interface wlan9; .*wlan0, tun0/,
  );
  t.match(
    code(() => readEthernet("tun0", kernel)),
    /^host: interface tun0 does not carry Ethernet frames: it is a tunnel/,
  );
  t.match(
    code(() => readEthernet("odd0", kernel)),
    /type 4242/,
  );
  t.equal(
    code(() => readEthernet("wlan0", kernel)),
    "no error",
  );
  t.end();
});
