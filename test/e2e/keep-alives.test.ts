// A connection that says nothing but asks after five seconds, and then each second, whether the other side is there, as Node has it, through an
// idle tunnel with preset paired as it is: heartbeats are 9.5 s apart, servers 200 ms away each way, so that their answers miss a heartbeat's
// own answer and wait for the next, 14 s in all; after ten questions it is given up. Two laboratories at once, one of them with keep-alives answered at the box; each is that of tunnel.test.ts with a bad link:
//
//     speaker ── box ── router ── isp ── [200 ms each way] ── world
//
// Needs root, what the laboratory needs, and WireGuard: the kernel's or wireguard-go; skipped aloud without.
import { setTimeout as sleep } from "node:timers/promises";
import tap, { test, type Test } from "tap";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import type { Child } from "../bench/child.js";
import { BadLink, GOOD } from "../support/bad-link.js";
import { TunnelStage, tunnelMissing } from "../support/tunnel-stage.js";

const skip = tunnelMissing();
/** How long nothing is said, in milliseconds: a minute with HUSHBOX_LONG=1. */
const IDLE = process.env["HUSHBOX_LONG"] === undefined ? 25_000 : 60_000;
const FAR = { ...GOOD, delay: 200_000 };
const PORT = 4003;
const ADDRESS = TOPOLOGY.world.v4;

const SERVER = `require("net").createServer((s) => s.on("error", () => {}).pipe(s)).listen(${PORT}, "::", () => console.log("ready"))`;
const CLIENT = `
const socket = require("net").connect(${PORT}, "${ADDRESS}", () => {
  socket.setKeepAlive(true, 5000);
  socket.write("one");
});
socket.on("data", (text) => console.log("said " + String(text).slice(0, 3)));
socket.on("error", ({ code }) => console.log("broke " + code));
// More than a demand, so that an episode begins.
process.on("SIGUSR2", () => socket.write("two".padEnd(5000, ".")));`;

tap.setTimeout(240_000);

/** A device that has said one word to a server, and has nothing more to say. */
async function silence(t: Test, name: string, keepAlives: boolean) {
  const ground = await TunnelStage.open(t, name);
  const { laboratory, stage } = ground;
  const link = await BadLink.lay(laboratory);
  t.teardown(() => link.stop());
  await link.start({ seed: name, up: FAR, down: FAR });
  const server = stage.start("world", process.execPath, "-e", SERVER);
  await server.printed(/ready/);
  // Decoys might begin an episode meanwhile.
  const paired = { preset: "paired", defenses: { episode: { keepAlives, decoys: false } }, budget: {} };
  await ground.start(t, "gateway", paired);
  const box = await ground.start(t, "box", paired);
  stage.start("speaker", "ping", "-n", "-q", "-c", "8", "-i", "0.01", "-s", "1300", ADDRESS);
  const client: Child = stage.start("speaker", process.execPath, "-e", CLIENT);
  await client.printed(/said one/, 60_000);
  return { box, client, laboratory };
}

void test(
  "a connection that asks whether anybody is there outlives an idle tunnel, and not without an answer at the box",
  { skip },
  async (t) => {
    const [answered, bare] = await Promise.all([silence(t, "hx-ka", true), silence(t, "hx-kb", false)]);
    await Promise.all([sleep(IDLE), bare.client.printed(/broke/, 60_000)]);
    t.match(bare.client.said, /^said one\nbroke ETIMEDOUT$/m, "what it is for");
    t.equal(answered.client.said, "said one\n", `${IDLE / 1e3} s of nothing`);
    const counted = String((await answered.box.ask("GET", "/metrics")).body);
    t.match(counted, /^hushbox_defense_cleaned_total\{what="keep_alives_answered"\} [1-9]\d?$/m);
    process.kill(answered.client.pid, "SIGUSR2");
    await answered.client.printed(/said two/, 30_000);
    t.notMatch(answered.client.said, /broke/);
  },
);
