import { existsSync } from "node:fs";
import { join } from "node:path";
import { test, type Test } from "tap";
import { setUp, type SetupFlags } from "../../../src/setup/set-up.js";
import { undo } from "../../../src/setup/undo.js";
import { FailingDisk } from "../../support/failing-disk.js";
import { MachineTwin } from "../../support/machine-twin.js";

const FLAGS: SetupFlags = {
  mode: "routed",
  inside: null,
  outside: null,
  take: false,
  ssid: "speakers",
  password: "correct horse",
  country: "DE",
  security: null,
  band: null,
  channel: null,
  subnet: null,
  devices: ["kitchen=aa:bb:cc:00:11:22"],
  wait: 0,
  preset: null,
  onFailure: null,
  isolate: false,
  dryRun: false,
  force: false,
  start: true,
};
const PROGRESS = { say: () => undefined, check: () => undefined, every: 1 };
const STORE = "/var/lib/hushbox-setup";

/** One on which files are made, changed and replaced. */
function machine(t: Test): MachineTwin {
  const twin = new MachineTwin(t);
  twin.active.add("NetworkManager.service");
  twin.file("/etc/network/interfaces", "auto lo wlan0\niface wlan0 inet dhcp\n");
  twin.file("/etc/sysctl.d/90-hushbox.conf", "# somebody's own\n");
  twin.file(
    "/etc/hushbox/hushbox.yaml",
    'inside: a\noutside: b\ndevices: [{ name: hall, mac: "aa:bb:cc:00:00:01" }]\n',
  );
  return twin;
}

const setup = (twin: MachineTwin, flags: Partial<SetupFlags> = {}) =>
  setUp({ ...FLAGS, ...flags }, { host: twin.host, asker: null, progress: PROGRESS, show: () => undefined });
const back = (twin: MachineTwin) => undo({ force: false, dryRun: false }, twin.host, PROGRESS);

/** Fails at every change in turn until all of the work gets by. */
async function everywhere(
  t: Test,
  kind: "cut" | "full",
  prepare: (twin: MachineTwin) => Promise<void>,
  work: (twin: MachineTwin) => Promise<unknown>,
  after: (twin: MachineTwin, at: number) => Promise<void>,
): Promise<void> {
  // Every change is a moment of its own. Each one at the beginning, and every third after that.
  for (let at = 0; ; at += at < 12 ? 1 : 3) {
    const twin = machine(t);
    await prepare(twin);
    const disk = new FailingDisk(kind, at);
    let failed = true;
    try {
      await work(twin);
      failed = false;
    } catch (error) {
      if (kind === "full") t.match(error, { name: "HushboxError" });
    } finally {
      disk.mend();
    }
    if (!failed && disk.count <= at) {
      t.ok(at > 30, `failed at changes up to ${at}`);
      return;
    }
    if (failed) await after(twin, at);
  }
}

const nothing = (): Promise<void> => Promise.resolve();

test("power goes at any moment of setup: undo puts everything back", async (t) => {
  const before = machine(t).etc();
  const same = strip(before);
  await everywhere(t, "cut", nothing, setup, async (twin, at) => {
    await back(twin);
    t.strictSame(strip(twin.etc()), same, `after ${at} changes`);
    t.notOk(existsSync(join(twin.root, STORE, "next.json")));
    await setup(twin);
    await back(twin);
    t.strictSame(strip(twin.etc()), same, "and setup works then");
  });
});

test("power goes at any moment of undo: doing it again finishes it", async (t) => {
  const same = strip(machine(t).etc());
  await everywhere(
    t,
    "cut",
    async (twin) => {
      await setup(twin);
    },
    back,
    async (twin, at) => {
      await back(twin);
      t.strictSame(strip(twin.etc()), same, `after ${at} changes`);
      t.notOk(existsSync(join(twin.root, STORE)), "nothing is left");
    },
  );
});

test("power goes at any moment of a second setup: the first is in force, and can be undone", async (t) => {
  const same = strip(machine(t).etc());
  const changed = { ssid: "other", password: "another password" };
  await everywhere(
    t,
    "cut",
    async (twin) => {
      await setup(twin);
    },
    (twin) => setup(twin, changed),
    async (twin, at) => {
      await back(twin);
      t.strictSame(strip(twin.etc()), same, `after ${at} changes`);
    },
  );
});

test("the disk is full from any moment on: a sentence, and everything as before at once", async (t) => {
  const same = strip(machine(t).etc());
  await everywhere(t, "full", nothing, setup, async (twin, at) => {
    t.strictSame(strip(twin.etc()), same, `from change ${at} on`);
    t.notOk(existsSync(join(twin.root, STORE, "ledger.json")));
    t.notOk(existsSync(join(twin.root, STORE, "next.json")));
  });
});

/** Without times to the millisecond: every twin is made at another moment. Old files keep theirs; that is looked at elsewhere. */
function strip(tree: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tree).map(([path, text]) => [path, text.replace(/^(\d+ \d+:\d+) \d+ /, "$1 ")]),
  );
}
