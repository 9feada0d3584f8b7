// What a device hears of errors about packets that were padded, as it would without padding:
//
//     speaker eth0 ── in0 box(hushbox) out0 ── lan0 router(NAT) wan0 ── down0 isp(refuses) up0 ── net0 world
//
// Needs root, python3, and what the laboratory needs; skipped aloud without them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tap, { test } from "tap";
import { ENDPOINTS } from "../../src/emulator/endpoints.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import type { Place } from "../../src/emulator/topology.js";
import { kernelCounts, READ_COUNTS, since, type KernelCounts } from "../bench/bad-paths/kernel-counts.js";
import { Child } from "../bench/child.js";
import { boxMissing } from "../support/box-missing.js";
import { ROOT } from "../support/generated.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { Talking } from "../support/talking.js";

const skip = boxMissing([], "python3");

const PORT = 4430;
const CLOSED = 4440;
const HABITS = join(ROOT, "build/test/support/tcp-habits.js");
const { home, news } = ENDPOINTS;
/** Hosts that one run after the other talks to, so that none has been seen before. */
const HOSTS = { off: home, standalone: news };

/** Has 400 bytes sent back, waits for a line, sends again; and asks a port where nobody is. Sockets of both kinds ask for errors at once. */
const CLIENT = `
import errno, json, socket, sys
address, port, closed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
six = ":" in address
family = socket.AF_INET6 if six else socket.AF_INET
def open(kind, port):
    s = socket.socket(family, kind)
    s.setsockopt(socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP, 25 if six else 11, 1)
    s.settimeout(8)
    s.connect((address, port))
    return s
def fails(act):
    try:
        act()
        return "none"
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))
tcp = open(socket.SOCK_STREAM, port)
tcp.sendall(b"echo    " + b"x" * 400)
got = b""
while len(got) < 400: got += tcp.recv(4096)
print("talking", flush=True)
sys.stdin.readline()
def again():
    tcp.sendall(b"y" * 100)
    while tcp.recv(4096): pass
udp = open(socket.SOCK_DGRAM, closed)
def ask():
    udp.send(b"?" * 30)
    udp.recv(4096)
print(json.dumps({"sending": fails(again), "opening": fails(lambda: open(socket.SOCK_STREAM, port)), "asking": fails(ask)}), flush=True)
`;

/** What a client met when it sent on a connection, opened one, and asked by UDP. */
interface Met {
  readonly sending: string;
  readonly opening: string;
  readonly asking: string;
}

const REFUSALS = [
  ["host-unreachable", "EHOSTUNREACH"],
  ["port-unreachable", "ECONNREFUSED"],
] as const;

const refusing = (how: string): string => `
table inet refuse {
  chain pass {
    type filter hook forward priority -10; policy accept;
    tcp dport ${PORT} reject with icmpx ${how}
  }
}
`;

tap.setTimeout(120_000);

void test("errors about padded packets reach the device as it knows them", { skip, timeout: 110_000 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "hushbox-errors-"));
  const laboratory = await Laboratory.build({ name: "hx-err", state: join(directory, "laboratory") });
  const server = new Child(laboratory.namespaces.world, process.execPath, [HABITS, String(PORT)]);
  t.teardown(async () => {
    await server.stop();
    await laboratory.remove();
    rmSync(directory, { recursive: true, force: true });
  });
  await server.printed(/^ready/m);
  const sh = async (place: Place, line: string): Promise<string> => {
    const { code, stdout, stderr } = await laboratory.run(place, ["/bin/sh", "-ec", line]);
    if (code !== 0) throw new Error(`${line} in ${place}: ${stderr}`);
    return stdout;
  };

  /** What a client meets once the provider refuses its packets, and what its kernel has counted meanwhile. */
  const refused = async (address: string, how: string): Promise<[Met, KernelCounts]> => {
    const options = { stdio: ["pipe", "pipe", "inherit"] as ("pipe" | "inherit")[] };
    const argv = ["python3", "-c", CLIENT, address, String(PORT), String(CLOSED)];
    const client = new Talking(laboratory.exec("speaker", argv, options));
    const said = await client.line();
    if (said !== "talking") throw new Error(`the client said ${said}`);
    const rules = await laboratory.run("isp", ["nft", "-f", "-"], { input: refusing(how) });
    t.equal(rules.code, 0, rules.stderr);
    const before = kernelCounts(await sh("speaker", READ_COUNTS));
    const met = await client.ask<Met>("go on");
    const counts = since(before, kernelCounts(await sh("speaker", READ_COUNTS)));
    await client.ended();
    await sh("isp", "nft delete table inet refuse");
    return [met, counts];
  };

  const pad = { enabled: true, target: "mtu", trailer: true, icmpEcho: true, udpSurplus: true, tcpReset: true };
  const padding = { off: {}, standalone: { pad: { ...pad, tcpOverlap: true, tcpAcks: true, tcpFiller: true } } };
  for (const preset of ["off", "standalone"] as const) {
    const box = await LaboratoryBox.start(laboratory, join(directory, preset), {
      preset: "off",
      defenses: padding[preset],
    });
    for (const family of ["v4", "v6"] as const) {
      for (const [how, error] of REFUSALS) {
        await t.test(`${preset === "off" ? "nothing" : "all"} padded, ${how}, ${family}`, async (t) => {
          const [met, counts] = await refused(HOSTS[preset][family], how);
          t.same(met, { sending: error, opening: error, asking: "ECONNREFUSED" });
          t.ok(counts.icmpErrors >= 3, `${counts.icmpErrors} errors`);
          t.equal(counts.outOfWindowIcmps, 0, "each of them is about a segment that the kernel knows");
          t.equal(counts.badChecksums, 0);
          t.comment(`${counts.retransmits} retransmissions`);
        });
      }
    }
    const metrics = String((await box.ask("GET", "/metrics")).body);
    const restored = Number(/^hushbox_defense_cleaned_total\{what="errors_restored"\} (\d+)/m.exec(metrics)?.[1]);
    if (preset === "off") t.equal(restored, 0);
    else t.ok(restored >= 8, `${restored} errors quoted the padded packet`);
    await box.stop();
  }
});
