// Chromium with the preset `standalone`, over HTTP/3, HTTP/2 and HTTP/1.1, IPv4 and IPv6, seen behind the router's address translation, which
// drops what is invalid:
//
//     speaker eth0 ── in0 box(hushbox) out0 ── lan0 router(NAT) wan0 ── down0 isp up0 ── [10 ms] ── net0 world
//     chromium                                                                                      gtlsserver node
//
// Needs root, what the laboratory needs, and the Debian packages chromium and ngtcp2-server; what is missing is skipped aloud.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import tap, { test } from "tap";
import { Capture } from "../../src/emulator/capture.js";
import { selfSigned } from "../../src/emulator/certificate.js";
import { ENDPOINTS } from "../../src/emulator/endpoints.js";
import { OBSERVERS } from "../../src/emulator/topology.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { kernelCounts, READ_COUNTS, since } from "../bench/bad-paths/kernel-counts.js";
import { BadLink } from "../support/bad-link.js";
import { boxMissing } from "../support/box-missing.js";
import { browse } from "../support/browse.js";
import { Chromium } from "../support/chromium.js";
import { ROOT } from "../support/generated.js";
import { Http3Server } from "../support/http3-server.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { Stage } from "../support/stage.js";
import { wanView, type Exception } from "../support/wan-view.js";

const skip = Chromium.missing() ?? Http3Server.missing() ?? boxMissing(["tcpdump", "openssl"]);

const BYTES_DOWN = 2e6;
const BYTES_UP = 1.5e6;
const FULL = 1514;
const TRIP = { delay: 10_000, loss: 0, reorder: 0 };
/** How long packets may still be on their way when the browser has closed. */
const SETTLE_MS = 1_500;
const FAMILIES = ["v4", "v6"] as const;
/**
 * A server that answers no datagram for a quarter of a second gets a few as they were, to find out whether it is for their padding
 * (src/defense/pad/answers.ts): as many at most, a time. One that gets no processor is silent, too.
 */
const TRIALS = 4;
const SILENCE_US = 200e3;
/** Who serves what: the protocol's name in the browser. */
const SERVERS = [
  { protocol: "h3", place: ENDPOINTS.voice },
  { protocol: "h2", place: ENDPOINTS.static },
  { protocol: "http/1.1", place: { ...ENDPOINTS.ajax, port: 8443 } },
] as const;
const ORIGINS = SERVERS.flatMap(({ protocol, place }, i) =>
  FAMILIES.map((family) => ({
    protocol,
    family,
    name: `s${i}-${family}.hushbox.example`,
    port: place.port,
    address: place[family],
  })),
);

const isTrial = ({ kind, heard }: Exception): boolean => kind === "UDP" && heard !== null && heard > SILENCE_US;

tap.setTimeout(130_000);

void test("Chromium with standalone on", { skip, timeout: 120_000 }, async (t) => {
  const stage = await Stage.open(t, "hx-chr");
  const { laboratory } = stage;
  const path = (name: string): string => stage.path(name);
  const link = await BadLink.lay(laboratory);
  t.teardown(() => link.stop());
  await link.start({ seed: "chromium", up: TRIP, down: TRIP });

  const { key, cert } = await selfSigned("hushbox.example");
  writeFileSync(path("key.pem"), key);
  writeFileSync(path("cert.pem"), cert);
  mkdirSync(path("docs"));
  const random = new SeededRandom("chromium");
  const file = Buffer.alloc(BYTES_DOWN);
  for (let i = 0; i + 4 <= file.length; i += 4) file.writeUInt32LE(random.word(), i);
  writeFileSync(path("docs/file"), file);
  writeFileSync(path("docs/index.html"), "<!doctype html><link rel=icon href=data:,>");
  const down = createHash("sha256").update(file).digest("hex");
  const secrets = [path("key.pem"), path("cert.pem")] as const;
  const http3 = new Http3Server(laboratory, "world", ENDPOINTS.voice.port, path("docs"), ...secrets);
  t.teardown(() => http3.stop());
  const server = join(ROOT, "build/test/support/file-server.js");
  for (const { protocol, place } of SERVERS) {
    if (protocol === "h3") continue;
    const version = protocol === "h2" ? ["h2"] : [];
    const web = stage.start(
      "world",
      process.execPath,
      server,
      String(place.port),
      path("docs/file"),
      ...secrets,
      ...version,
    );
    await web.printed(/^ready/m);
  }

  const box = await LaboratoryBox.start(laboratory, path("box"), { preset: "standalone" });
  t.teardown(() => box.stop());
  const { place, interface: name } = OBSERVERS.wan;
  const capture = await Capture.start(laboratory, place, name, path("wan.pcap"), { snapLength: 192 });
  const counts = async () => kernelCounts(await link.sh("speaker", READ_COUNTS));
  const before = await counts();
  const hosts = ORIGINS.map(({ name, address, protocol }) => [name, { address, http3: protocol === "h3" }] as const);
  const chromium = await Chromium.start(laboratory, "speaker", path("profile"), cert, Object.fromEntries(hosts));
  t.teardown(() => chromium.stop());

  for (const { protocol, family, name, port } of ORIGINS) {
    await t.test(`${protocol} over ${family}`, async (t) => {
      const uploads = http3.uploads.length;
      const saw = await browse(chromium, `https://${name}:${port}`, "/file", BYTES_UP);
      t.same([...new Set(saw.protocols)], [protocol], "nothing but this protocol");
      t.same(saw.down, { bytes: BYTES_DOWN, sha256: down }, `what came down, in all ${saw.ms.toFixed(0)} ms`);
      t.equal(saw.up.bytes, BYTES_UP);
      if (protocol === "h3") t.same(await http3.upload(uploads), saw.up, "what went up");
      else t.equal(saw.answer, saw.up.sha256, "what went up");
    });
  }
  t.equal(http3.uploads.length, FAMILIES.length);
  await chromium.stop();
  await sleep(SETTLE_MS);
  const { dropped } = await capture.stop();
  t.equal(dropped, 0, "the observer missed nothing");

  const device = since(before, await counts());
  t.equal(device.icmpErrors + device.outOfWindowIcmps, 0, "no ICMP error reached the device");
  t.equal(device.udpErrors + device.badChecksums, 0);
  t.ok(device.dsacks <= device.retransmits, `${device.dsacks} DSACKs, ${device.retransmits} retransmissions`);
  const rules = await laboratory.run("router", ["nft", "list", "chain", "inet", "hushbox_lab", "pass"]);
  t.match(rules.stdout, /ct state invalid counter packets 0 bytes 0 drop/, "no packet was invalid to the router");
  const { body: metrics } = await box.ask("GET", "/metrics");
  t.comment((String(metrics).match(/^hushbox_defense_(padded_packets|given_up|cleaned)_total.*$/gm) ?? []).join("\n"));
  t.notMatch(String(metrics), /^hushbox_defense_given_up_total\{.*\} [1-9]/m, "no mechanism was given up");

  const seen = wanView(capture.file, [FULL]);
  t.comment(JSON.stringify({ ...seen, examples: seen.examples.slice(0, 3) }));
  t.ok(seen.restPackets > 3_000, `${seen.restPackets} packets up`);
  const [trials, others] = [true, false].map((is) => seen.examples.filter((example) => isTrial(example) === is));
  t.same(others, [], `of ${seen.packets} packets up, not at the target: ${JSON.stringify(seen.exceptions)}`);
  t.ok((trials?.length ?? 0) <= TRIALS, `${trials?.length ?? 0} packets as they were while the server was silent`);
  t.equal(seen.restAtTarget + (trials?.length ?? 0), seen.restPackets);
  if (trials?.length === 0) t.equal(seen.stdLengthRest, 0, "std_len_pack but for SYN, third ACK, RST and keep-alives");
  t.equal(seen.stdWindow, 0, `std_window; windows seen: ${JSON.stringify(seen.windows)}`);
});
