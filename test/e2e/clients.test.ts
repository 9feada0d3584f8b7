// Programs that know nothing of hushbox, through `hushbox run` with the preset `paper`, over IPv4 and IPv6:
//
//     speaker eth0 ── in0 box(hushbox) out0 ── lan0 router(NAT) wan0 ── down0 isp up0 ── net0 world
//     curl dig chronyd ping gtlsclient                                    node dnsmasq chronyd gtlsserver
//
// 100 MB each way over HTTPS; HUSHBOX_MEGABYTES takes another size. Needs root, what the laboratory needs, and the Debian packages curl,
// bind9-dnsutils, dnsmasq-base, chrony, ngtcp2-client and ngtcp2-server; what is missing is skipped aloud.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import tap, { test, type Test } from "tap";
import { Capture } from "../../src/emulator/capture.js";
import { selfSigned } from "../../src/emulator/certificate.js";
import { which, type CommandResult } from "../../src/emulator/command.js";
import { ENDPOINTS } from "../../src/emulator/endpoints.js";
import { OBSERVERS, TOPOLOGY, type Place } from "../../src/emulator/topology.js";
import { DOWN, UP } from "../../src/packet/packet.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import * as ethernet from "../../src/wire/ethernet.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../src/wire/protocol.js";
import { Child } from "../bench/child.js";
import { boxMissing } from "../support/box-missing.js";
import { decoyKind, hops, trail } from "../support/decoy-trail.js";
import { ROOT } from "../support/generated.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { Stage } from "../support/stage.js";
import { eachFrame } from "../support/seen-frames.js";

const MEGABYTES = Number(process.env["HUSHBOX_MEGABYTES"] ?? 100);
const skip = boxMissing(["tcpdump", "ping", "openssl"]);

/** A reason to skip where a program is not there. */
const without = (program: string, debian: string): string | false =>
  which(program) === null && `${program} is not installed (Debian package ${debian})`;

const NAME = "hushbox.example";
const HTTPS = ENDPOINTS.static;
const QUIC = ENDPOINTS.voice;
const DNS = ENDPOINTS.resolver;
const TIME = ENDPOINTS.time;
const FAMILIES = ["v4", "v6"] as const;
/** Ports of the world's services; whatever else comes there is not the speaker's. */
const SERVICES = [HTTPS.port, DNS.port, TIME.port];

tap.setTimeout(400_000);

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

void test("real clients with paper on", { skip, timeout: 390_000 }, async (t) => {
  const stage = await Stage.open(t, "hx-cli");
  const { laboratory } = stage;
  const path = (name: string): string => stage.path(name);
  const start = (place: Place, command: string, ...args: string[]): Child => stage.start(place, command, ...args);
  const run = (...argv: string[]): Promise<CommandResult> => laboratory.run("speaker", argv, { timeout: 300_000 });

  const { key, cert } = await selfSigned(NAME);
  writeFileSync(path("key.pem"), key);
  writeFileSync(path("cert.pem"), cert);
  const random = new SeededRandom("clients");
  const file = Buffer.alloc(MEGABYTES * 1e6);
  for (let i = 0; i + 4 <= file.length; i += 4) file.writeUInt32LE(random.word(), i);
  mkdirSync(path("docs"));
  writeFileSync(path("file"), file);
  writeFileSync(path("docs/part"), file.subarray(0, 5e6));
  const whole = await sha256(path("file"));
  const part = await sha256(path("docs/part"));

  const server = start(
    "world",
    process.execPath,
    join(ROOT, "build/test/support/file-server.js"),
    String(HTTPS.port),
    path("file"),
    path("key.pem"),
    path("cert.pem"),
  );
  await server.printed(/^ready/m);
  const box = await LaboratoryBox.start(laboratory, path("box"));
  t.teardown(() => box.stop());
  const observed = (observer: "inside" | "lan", filter = ""): Promise<Capture> => {
    const { place, interface: name } = OBSERVERS[observer];
    return Capture.start(laboratory, place, name, path(`${observer}.pcap`), { filter, snapLength: 192 });
  };
  const captures = [
    await observed("lan"),
    await observed("inside", `ether dst ${TOPOLOGY.speaker.mac}`),
    await Capture.start(laboratory, "world", TOPOLOGY.world.net, path("world.pcap"), {
      snapLength: 192,
      filter: "inbound",
    }),
  ];

  const curl = async (t: Test, way: "down" | "up", family: (typeof FAMILIES)[number]): Promise<void> => {
    const address = family === "v6" ? `[${HTTPS.v6}]` : HTTPS.v4;
    const common = ["curl", "-sS", "--cacert", path("cert.pem"), "--resolve", `${NAME}:${HTTPS.port}:${address}`];
    const into = path(`${way}-${family}`);
    const what = way === "down" ? ["-o", into] : ["-T", path("file")];
    const begun = performance.now();
    const { code, stdout, stderr } = await run(...common, ...what, `https://${NAME}/file`);
    const seconds = (performance.now() - begun) / 1000;
    t.equal(code, 0, `curl: ${stderr}`);
    const speed = `${MEGABYTES} MB ${way} over ${family} in ${seconds.toFixed(1)} s`;
    t.equal(way === "down" ? await sha256(into) : stdout, whole, `${speed}, SHA-256 right`);
    rmSync(into, { force: true });
  };
  await t.test("dig", { skip: without("dig", "bind9-dnsutils") || without("dnsmasq", "dnsmasq-base") }, async (t) => {
    const long = Array.from({ length: 12 }, (_, i) => `--txt-record=long.${NAME},${String(i).padStart(200, "x")}`);
    const records = [`--address=/${NAME}/192.0.2.7`, `--address=/${NAME}/2001:db8::7`, ...long];
    const listen = [`--listen-address=${DNS.v4}`, `--listen-address=${DNS.v6}`, "--bind-interfaces"];
    start(
      "world",
      which("dnsmasq") ?? "",
      "--keep-in-foreground",
      "--no-resolv",
      "--no-hosts",
      "--user=root",
      "--conf-file=/dev/null",
      "--pid-file=",
      ...listen,
      ...records,
    );
    for (const family of FAMILIES) {
      const dig = (...question: string[]): Promise<CommandResult> =>
        run("dig", `@${DNS[family]}`, "+tries=3", "+time=2", "+short", ...question);
      t.match(await dig(NAME, "A"), { code: 0, stdout: "192.0.2.7\n" });
      t.match(await dig(NAME, "AAAA"), { code: 0, stdout: "2001:db8::7\n" });
      t.match(await dig("+tcp", NAME, "A"), { code: 0, stdout: "192.0.2.7\n" }, "over TCP");
      const { stdout } = await dig("+bufsize=4096", `long.${NAME}`, "TXT");
      t.equal(stdout.split("\n").filter((line) => line.length > 200).length, 12, "an answer in fragments, or over TCP");
      t.match(await run("dig", `@${DNS[family]}`, "nothing.example"), { stdout: /status: (REFUSED|NXDOMAIN)/ });
    }
  });

  await t.test("chronyd", { skip: without("chronyd", "chrony") }, async (t) => {
    const chronyd = which("chronyd") ?? "";
    const files = (name: string): string[] => [
      "-u",
      "root",
      "-f",
      "/dev/null",
      "-d",
      "cmdport 0",
      `pidfile ${path(name)}`,
    ];
    // -x: the server leaves this machine's clock alone; -Q: so does the client, which says what it would have done.
    const time = start(
      "world",
      chronyd,
      "-x",
      ...files("server.pid"),
      "local stratum 3",
      "allow all",
      `bindaddress ${TIME.v4}`,
      `bindaddress ${TIME.v6}`,
    );
    await time.until(() => existsSync(path("server.pid")), "start", 5_000);
    for (const family of FAMILIES) {
      const { code, stderr, stdout } = await run(
        chronyd,
        "-Q",
        "-t",
        "20",
        ...files(`client-${family}.pid`),
        `server ${TIME[family]} iburst`,
      );
      const offset = Number(/System clock wrong by (-?[0-9.]+) seconds/.exec(stderr + stdout)?.[1]);
      t.equal(code, 0, stderr);
      t.ok(Math.abs(offset) < 0.05, `${family}: this machine's clock differs from itself by ${offset} s`);
    }
  });

  await t.test("ping", async (t) => {
    for (const family of FAMILIES) {
      for (const size of ["56", "1400", "3000"]) {
        const { stdout } = await run("ping", "-n", "-c", "20", "-i", "0.1", "-W", "3", "-s", size, HTTPS[family]);
        t.match(stdout, / 0% packet loss/, `${size} bytes to ${HTTPS[family]}`);
        t.notMatch(stdout, /DUP!|damaged|wrong/);
      }
    }
  });

  await t.test(
    "QUIC",
    { skip: without("gtlsserver", "ngtcp2-server") || without("gtlsclient", "ngtcp2-client") },
    async (t) => {
      const secrets = [path("key.pem"), path("cert.pem")];
      start("world", which("gtlsserver") ?? "", "--quiet", "-d", path("docs"), "*", String(QUIC.port), ...secrets);
      for (const family of FAMILIES) {
        const into = path(`quic-${family}`);
        mkdirSync(into);
        const { code, stderr } = await run(
          "gtlsclient",
          "--quiet",
          "--exit-on-all-streams-close",
          `--download=${into}`,
          QUIC[family],
          String(QUIC.port),
          `https://${NAME}/part`,
        );
        t.equal(code, 0, stderr.slice(-500));
        t.equal(await sha256(join(into, "part")), part, `5 MB over QUIC and ${family}, SHA-256 right`);
      }
    },
  );

  await t.test("curl", { skip: without("curl", "curl") }, async (t) => {
    const ways = FAMILIES.flatMap((family) => (["down", "up"] as const).map((way) => ({ way, family })));
    await Promise.all(ways.map(({ way, family }) => curl(t, way, family)));
  });

  const said = await box.ask("GET", "/api/v1/status");
  const [lan, inside, world] = await Promise.all(captures.map((capture) => capture.stop()));
  t.match([lan, inside, world], [{ dropped: 0 }, { dropped: 0 }, { dropped: 0 }], "the observers missed nothing");

  await t.test("what the observers saw", async (t) => {
    const mac = ethernet.parseMac(TOPOLOGY.speaker.mac);
    const lengths = new Map<number, number>();
    const kinds = { tcp: 0, udp: 0, icmp: 0, traceroute: 0 };
    const decoys = new Set<string>();
    let answered = 0;
    eachFrame(path("lan.pcap"), (packet, view) => {
      packet.direction = ethernet.source(view, packet.at) === mac ? UP : DOWN;
      if (packet.direction === DOWN) {
        if (decoys.has(trail(packet, view))) answered++;
        return;
      }
      lengths.set(packet.wireLength, (lengths.get(packet.wireLength) ?? 0) + 1);
      const kind = decoyKind(packet, view);
      if (kind === null) return;
      kinds[kind]++;
      decoys.add(trail(packet, view));
    });
    t.same([...lengths.keys()], [1514], `every one of ${[...lengths.values()].join(" ")} frames up has one length`);
    for (const [kind, n] of Object.entries(kinds)) t.ok(n > 0, `decoys seen outside: ${n} ${kind}`);
    t.ok(answered > 0, `answers to decoys seen outside: ${answered}`);
    const { decoyPackets = 0, delayedPackets = 0 } = (said.body as { up: { counts: Record<string, number> } }).up
      .counts;
    t.ok(delayedPackets > 1_000, `${delayedPackets} packets were delayed`);
    const seen = Object.values(kinds).reduce((a, b) => a + b, 0);
    t.ok(seen >= decoyPackets && seen < decoyPackets + 100, `${decoyPackets} sent, ${seen} seen until the end`);

    let toSpeaker = 0;
    const leaked: string[] = [];
    eachFrame(path("inside.pcap"), (packet, view) => {
      packet.direction = DOWN;
      toSpeaker++;
      if (decoys.has(trail(packet, view))) leaked.push(trail(packet, view));
    });
    t.ok(toSpeaker > 10_000);
    t.same(leaked, [], `of ${toSpeaker} frames to the speaker none answers a decoy`);

    const strangers: string[] = [];
    let toWorld = 0;
    eachFrame(path("world.pcap"), (packet, view) => {
      if (packet.version === 0) return;
      toWorld++;
      packet.direction = UP;
      const served =
        packet.protocol === TCP || packet.protocol === UDP
          ? SERVICES.includes(packet.destinationPort)
          : packet.protocol === ICMP || packet.protocol === ICMPV6 || packet.fragment;
      if (!served || hops(packet, view) < 32) strangers.push(`${trail(packet, view)}, ${hops(packet, view)} hops left`);
    });
    t.ok(toWorld > 10_000);
    // Neighbour discovery on the provider's line is what has 255 hops.
    t.same(strangers, [], `of ${toWorld} packets that reached the world none is a decoy`);
    t.end();
  });
});
