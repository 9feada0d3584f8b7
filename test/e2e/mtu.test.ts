// What padding does where the path is narrower than the line at home, and to pings; a real daemon, a NAT that drops what it finds invalid:
//
//     speaker eth0 ── in0 box(hushbox) out0 ── lan0 router(NAT) wan0 ── down0 isp up0 ── net0 world
//                                                          MTU 1400, later 1500
//
// Needs root, what the laboratory needs, tcpdump, iputils-ping and openssl; skipped aloud without them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tap, { test, type Test } from "tap";
import { Capture } from "../../src/emulator/capture.js";
import { selfSigned } from "../../src/emulator/certificate.js";
import { tool } from "../../src/emulator/command.js";
import { ENDPOINTS } from "../../src/emulator/endpoints.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { OBSERVERS, TOPOLOGY, type Place } from "../../src/emulator/topology.js";
import { TCP } from "../../src/wire/protocol.js";
import * as tcp from "../../src/wire/tcp.js";
import { kernelCounts, READ_COUNTS, since, type KernelCounts } from "../bench/bad-paths/kernel-counts.js";
import { Child } from "../bench/child.js";
import { boxMissing } from "../support/box-missing.js";
import { ROOT } from "../support/generated.js";
import type { Asked } from "../support/echo-peer.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { eachFrame } from "../support/seen-frames.js";

const skip = boxMissing(["tcpdump", "ping", "openssl"]);

const { router, isp } = TOPOLOGY;
const PEER = join(ROOT, "build/test/support/echo-peer.js");
/** Hosts that only pings go to, one that the device itself overfills, and one for transfers. */
const { voice, music, radio, news, home } = ENDPOINTS;
/** Behind paths that TCP finds out about. */
const { static: speech, ajax: silence } = ENDPOINTS;
const HABITS = join(ROOT, "build/test/support/tcp-habits.js");
const HABITS_PORT = 4430;
const MOST_STALLS = 4;
const SILENT = `
table inet silent {
  chain say {
    type filter hook output priority -10; policy accept;
    icmp type destination-unreachable icmp code frag-needed drop
    icmpv6 type packet-too-big drop
  }
}
`;
const FAMILIES = ["v4", "v6"] as const;

tap.setTimeout(150_000);

void test("padding and the path's MTU", { skip, timeout: 140_000 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "hushbox-mtu-"));
  const laboratory = await Laboratory.build({ name: "hx-mtu", state: join(directory, "laboratory") });
  let box: LaboratoryBox | null = null;
  let server: Child | null = null;
  t.teardown(async () => {
    await box?.stop();
    await server?.stop();
    await laboratory.remove();
    rmSync(directory, { recursive: true, force: true });
  });
  const path = (name: string): string => join(directory, name);
  const run = async (place: Place, ...argv: string[]): Promise<string> => {
    const { stdout, stderr } = await laboratory.run(place, argv, { timeout: 30_000 });
    return stdout + stderr;
  };
  const setMtu = async (mtu: number): Promise<void> => {
    await run("router", tool("ip"), "link", "set", router.wan, "mtu", String(mtu));
    await run("isp", tool("ip"), "link", "set", isp.down, "mtu", String(mtu));
  };
  /** Lengths of the IP packets that leave the router's WAN side while something is done, and what else of them is asked. */
  const wan = async <T>(filter: string, act: () => Promise<T>, see: Parameters<typeof eachFrame>[1]): Promise<T> => {
    const { place, interface: name } = OBSERVERS.wan;
    const capture = await Capture.start(laboratory, place, name, path("wan.pcap"), {
      filter: `(src host ${router.wan4} or src host ${router.wan6}) and (${filter})`,
    });
    const done = await act();
    t.match(await capture.stop(), { dropped: 0 });
    eachFrame(path("wan.pcap"), see);
    return done;
  };
  /** What the box has undone, by name. */
  const cleaned = async (what: string): Promise<number> => {
    const metrics = String((await box?.ask("GET", "/metrics"))?.body);
    return Number(new RegExp(`^hushbox_defense_cleaned_total\\{what="${what}"\\} (\\d+)`, "m").exec(metrics)?.[1]);
  };
  /** Packets that the router's connection tracking found invalid. */
  const invalid = async (): Promise<number> => {
    const rules = await run("router", tool("nft"), "list", "table", "inet", "hushbox_lab");
    return Number(/ct state invalid counter packets (\d+)/.exec(rules)?.[1]);
  };
  const ping = (address: string, ...options: string[]): Promise<string> =>
    run("speaker", tool("ping"), "-n", "-c", "8", "-i", "0.05", "-W", "3", ...options, address);
  /** What the device's kernel believes of the way to a host, and the errors that reached it. */
  const believed = (address: string): Promise<string> => run("speaker", tool("ip"), "route", "get", address);
  const errors = async (): Promise<number> => {
    const four = await run("speaker", "/bin/cat", "/proc/net/snmp");
    const six = await run("speaker", "/bin/cat", "/proc/net/snmp6");
    const [names = [], values = []] = four
      .split("\n")
      .flatMap((line) => (line.startsWith("Icmp:") ? [line.split(" ")] : []));
    const unreachable = Number(values[names.indexOf("InDestUnreachs")]);
    return unreachable + Number(/Icmp6InPktTooBigs\s+(\d+)/.exec(six)?.[1]);
  };

  const { key, cert } = await selfSigned("hushbox.example");
  writeFileSync(path("key.pem"), key);
  writeFileSync(path("cert.pem"), cert);
  server = new Child(laboratory.namespaces.world, process.execPath, [
    PEER,
    "serve",
    path("key.pem"),
    path("cert.pem"),
    ...[home, news].flatMap(({ v4, v6 }) => [v4, v6]),
  ]);
  await server.printed(/^ready/m);
  const ask = async (t: Test, address: string): Promise<Asked> => {
    const { code, stdout, stderr } = await laboratory.run("speaker", [process.execPath, PEER, "ask", address], {
      timeout: 30_000,
    });
    t.equal(code, 0, stderr);
    return JSON.parse(stdout || "{}") as Asked;
  };

  const pad = { enabled: true, target: "mtu", trailer: true, icmpEcho: true, udpSurplus: true, clampMss: true };
  await setMtu(1400);
  box = await LaboratoryBox.start(laboratory, path("box"), { preset: "off", defenses: { pad } });

  await t.test(
    "a path of 1400 bytes: pings arrive, padded to what it takes, and the device learns nothing",
    async (t) => {
      for (const family of FAMILIES) {
        const address = radio[family];
        const lengths = new Set<number>();
        await wan(
          `host ${address}`,
          async () => {
            // The first is what finds the limit out.
            t.match(await ping(address, "-s", "56"), / [78] received/, `${family}, 56 bytes`);
            t.match(await ping(address, "-s", "1300"), / 8 received/, `${family}, 1300 bytes`);
          },
          (packet) => lengths.add(packet.end - packet.network),
        );
        t.same([...lengths], [1400], `${family}: the provider sees one size`);
        t.notMatch(await believed(address), / mtu 1400/);
      }
      t.equal(await errors(), 0, "no error reached the device");
      t.equal(await cleaned("paths_learned"), 2);
      t.equal(await cleaned("errors_swallowed"), 2);
      t.ok((await cleaned("replies_trimmed")) >= 28);
    },
  );

  await t.test("once two hosts are behind it, a third is not tried in vain", async (t) => {
    for (const family of FAMILIES) {
      await ping(voice[family], "-s", "56");
      t.match(await ping(music[family], "-s", "56"), / 8 received/, family);
    }
    t.equal(await errors(), 0);
  });

  await t.test("a path of 1400 bytes: UDP and TLS both ways", async (t) => {
    for (const family of FAMILIES) {
      const asked = await ask(t, home[family]);
      t.match(asked, { smallRecords: 40, largeTransfers: 2, datagrams: 27 });
      t.ok(asked.repeated <= 1, `${asked.repeated} datagrams sent again`);
      t.notMatch(await believed(home[family]), / mtu 1400/);
    }
    t.equal(await errors(), 0);
  });

  await t.test("an error that the device earns reaches it", async (t) => {
    t.match(await ping(news.v4, "-s", "1450", "-M", "do"), /mtu ?= ?1400/);
    t.match(await believed(news.v4), / mtu 1400/);
    t.match(await ping(news.v6, "-s", "1430"), /mtu ?= ?1400|[78] received/);
    t.match(await believed(news.v6), / mtu 1400/);
    t.ok((await errors()) >= 2);
    t.equal(await invalid(), 0);
  });

  await box.stop();
  const habits = new Child(laboratory.namespaces.world, process.execPath, [HABITS, String(HABITS_PORT)]);
  t.teardown(() => habits.stop());
  await habits.printed(/^ready/m);
  const counts = async (place: Place): Promise<KernelCounts> =>
    kernelCounts(await run(place, "/bin/sh", "-ec", READ_COUNTS));
  // The servers know what the path takes, and say nothing of it in the segment size that they announce.
  for (const [via, metrics] of [
    [isp.world4, "mtu 1400 advmss 1460"],
    [isp.world6, "mtu 1400 advmss 1440"],
  ] as const)
    await run("world", tool("ip"), "route", "replace", "default", "via", via, "initrwnd", "20", ...metrics.split(" "));
  const overlap = { tcpOverlap: true, tcpAcks: true, tcpFiller: true, tcpReset: true };
  for (const silent of [false, true]) {
    if (silent) {
      const { code, stderr } = await laboratory.run("router", [tool("nft"), "-f", "-"], { input: SILENT });
      t.equal(code, 0, stderr);
    }
    // With nothing known of any path.
    box = await LaboratoryBox.start(laboratory, path(`box-${silent ? "silent" : "tcp"}`), {
      preset: "off",
      defenses: { pad: { ...pad, ...overlap } },
    });
    const host = silent ? silence : speech;
    for (const family of FAMILIES) {
      await t.test(`a path of 1400 bytes that ${silent ? "says nothing" : "says so"}: TCP, ${family}`, async (t) => {
        const address = host[family];
        const [device, server] = [await counts("speaker"), await counts("world")];
        const lengths = new Map<number, number>();
        // The device itself sends nothing that is too long: that would be its own to find out.
        const argv = [
          process.execPath,
          HABITS,
          String(HABITS_PORT),
          address,
          "first",
          "records",
          "bytes",
          "half",
          "down",
        ];
        const said = await wan(
          `tcp and host ${address}`,
          () => run("speaker", ...argv),
          (packet) => {
            const bytes = packet.end - packet.network;
            lengths.set(bytes, (lengths.get(bytes) ?? 0) + 1);
          },
        );
        t.match(JSON.parse(said.split("\n")[0] ?? ""), { wrong: [] }, "what one side sent the other got");
        const [ours, theirs] = [since(device, await counts("speaker")), since(server, await counts("world"))];
        t.equal(ours.icmpErrors, 0, "no error reached the device");
        t.equal(ours.dsacks, 0);
        t.notMatch(await believed(address), /\bmtu\b/, "it believes what it did before");
        const { destinations } = (await box?.ask("GET", "/api/v1/destinations"))?.body as {
          destinations: { address: string; pathMtu: number | null; off: unknown[] }[];
        };
        const found = destinations.find((destination) => destination.address === address);
        t.match(found, { pathMtu: silent ? 1280 : 1400, off: [] }, "the path is to blame, and no mechanism");
        // One for what was lost before the path was known.
        const stalls = ours.retransmits + theirs.retransmits;
        t.ok(stalls <= MOST_STALLS, `${ours.retransmits} + ${theirs.retransmits} retransmissions`);
        t.comment(said.split("\n")[0]);
        t.comment([...lengths].map(([bytes, n]) => `${n} of ${bytes}`).join(", "));
      });
    }
    t.equal(await invalid(), 0);
    await box.stop();
  }

  for (const via of [isp.world4, isp.world6])
    await run("world", tool("ip"), "route", "replace", "default", "via", via, "initrwnd", "20");
  await run("router", tool("nft"), "delete", "table", "inet", "silent");
  await setMtu(1500);
  // What the world learned of the narrow path.
  await run("world", tool("ip"), "route", "flush", "cache");
  await run("world", tool("ip"), "-6", "route", "flush", "cache");
  const defenses = { pad: { ...pad, ipv6Options: true } };
  box = await LaboratoryBox.start(laboratory, path("box-2"), { preset: "off", defenses });

  await t.test("a path of 1500 bytes: every ping full, and each reply what was asked", async (t) => {
    for (const family of FAMILIES) {
      const lengths = new Set<number>();
      await wan(
        `host ${voice[family]}`,
        async () => {
          for (const size of [0, 1, 56, 57, 1000]) {
            // ping compares what comes back with what it sent, and says so where that differs.
            const said = await ping(voice[family], "-s", String(size), "-p", "c0ffee");
            t.match(said, / 8 received/);
            t.equal(said.split(`\n${size + 8} bytes from `).length - 1, 8, `${family}: ${size} bytes of reply`);
            t.notMatch(said, /wrong|truncated|DUP/);
          }
        },
        (packet) => lengths.add(packet.wireLength),
      );
      t.same([...lengths], [1514], `${family}: every request fills a frame past the router`);
    }
    t.equal(await cleaned("replies_trimmed"), 80);
    t.equal(await invalid(), 0);
  });

  await t.test("a way back that is narrower: the second ping fits it", async (t) => {
    const back = [
      [router.wan4, isp.world4],
      [router.wan6, isp.world6],
    ] as const;
    for (const [to, via] of back) await run("world", tool("ip"), "route", "add", to, "via", via, "mtu", "1400");
    for (const family of FAMILIES) {
      const said = await ping(radio[family]);
      t.match(said, / 8 received/);
      t.equal(said.split("\n64 bytes from ").length - 1, 7, family);
    }
    for (const [to] of back) await run("world", tool("ip"), "route", "del", to);
    t.equal(await invalid(), 0);
  });

  await t.test("options in IPv6: SYNs and acknowledgments full, TLS as ever", async (t) => {
    const lengths: number[] = [];
    let syns = 0;
    const asked = await wan(
      "ip6 proto 60 or ip6 proto 6",
      () => ask(t, news.v6),
      (packet, view) => {
        t.equal(packet.protocol, TCP);
        if ((tcp.flags(view, packet.transport) & tcp.SYN) !== 0) syns++;
        lengths.push(packet.wireLength);
      },
    );
    t.match(asked, { smallRecords: 40, largeTransfers: 2 });
    t.equal(syns, 1);
    t.ok(lengths.length > 100, `${lengths.length} packets`);
    t.ok(
      lengths.every((length) => length > 1514 - 8 && length <= 1514),
      `from ${Math.min(...lengths)} to ${Math.max(...lengths)} bytes`,
    );
    t.equal(await invalid(), 0);
    t.equal(await cleaned("errors_swallowed"), 0);
  });
});
