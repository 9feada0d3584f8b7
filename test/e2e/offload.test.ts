//   hx-off-<pid>:  v0 <-> v1     one namespace, one veth pair; the program under test runs inside it
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "tap";

const SPACE = `hx-off-${process.pid}`;
const ROOT = join(import.meta.dirname, "../../..");
const CHILD = join(ROOT, "build/test/support/offload-child.js");
const state = mkdtempSync(join(tmpdir(), "hushbox-offload-"));
const file = join(state, "offloads.json");

function reason(): string | false {
  if (process.getuid?.() !== 0) return "needs root for network namespaces";
  if (!existsSync(join(ROOT, "build/native/ring.node"))) return "needs build/native/ring.node (npm run build)";
  if (spawnSync("ip", ["-V"]).status !== 0) return "needs ip (package iproute2)";
  if (spawnSync("ethtool", ["--version"]).status !== 0) return "needs ethtool as the second opinion (package ethtool)";
  return false;
}

function sh(command: string): string {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
}

const inside = (command: string): string => sh(`ip netns exec ${SPACE} ${command}`);
const features = (): string => inside("ethtool -k v0");
const run = (action: string, name = "v0", before = ""): string =>
  inside(`${before} node ${CHILD} ${state} ${name} ${action}`);

/** A run that has turned off and now waits. */
async function holding(): Promise<ChildProcess> {
  const child = spawn("ip", ["netns", "exec", SPACE, "node", CHILD, state, "v0", "hold"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return child;
}

async function killHard(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

const STATED = [
  "tx-checksumming",
  "tcp-segmentation-offload",
  "generic-segmentation-offload",
  "generic-receive-offload",
  "large-receive-offload",
];

test("offloads of a real interface", { skip: reason() }, async (t) => {
  sh(`ip netns add ${SPACE}`);
  t.teardown(() => {
    sh(`ip netns del ${SPACE}`);
    rmSync(state, { recursive: true });
  });
  const renew = (): void => {
    spawnSync("ip", ["-n", SPACE, "link", "del", "v0"]);
    sh(`ip -n ${SPACE} link add v0 type veth peer name v1`);
    inside("ethtool -K v0 gro on");
  };
  renew();

  await t.test("are off while a run holds them, as ethtool sees it, and exactly back afterwards", async (t) => {
    const before = features();
    const child = await holding();
    const during = features();
    for (const name of STATED) t.match(during, new RegExp(`^${name}: off`, "m"), name);
    t.match(during, /^scatter-gather: on/m);
    t.match(during, /^rx-checksumming: on/m);
    await killHard(child);
    t.ok(existsSync(file), "kill -9 leaves the record");
    t.equal(features(), during, "and the offloads off");
    t.equal(run("recover").trim(), '["v0"]');
    t.equal(features(), before, "the next start puts them back");
    t.notOk(existsSync(file));
    run("back");
    t.equal(features(), before, "so does a clean stop");
  });

  await t.test("that were off before stay off", (t) => {
    inside("ethtool -K v0 gro off tso off");
    const before = features();
    run("back");
    t.equal(features(), before);
    t.end();
  });

  await t.test("of an interface that was replaced are left alone", async (t) => {
    renew();
    await killHard(await holding());
    renew();
    inside("ethtool -K v0 gro off");
    const before = features();
    t.equal(run("recover").trim(), "[]");
    t.equal(features(), before);
  });

  await t.test("errors say what to do", (t) => {
    t.match(run("back", "nope0"), /^interface-missing: there is no interface nope0; this machine has: .*v0/);
    t.match(run("back", "lo"), /^host: interface lo does not carry Ethernet frames: it is the loopback/);
    inside("ethtool -K v0 gro on");
    t.match(run("back", "v0", "setpriv --bounding-set=-net_admin"), /^permission: .*v0.*CAP_NET_ADMIN/);
    t.notOk(existsSync(file));
    t.end();
  });
});
