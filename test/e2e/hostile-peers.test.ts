// Peers and middleboxes that do not take what padding does. Each is found out, and the flow comes to its end:
//
//     speaker ── box(hushbox) ── router(NAT) ── isp ── [hostile box] ── world
//
// Needs root and what the laboratory needs; skipped aloud without.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tap, { test } from "tap";
import { selfSigned } from "../../src/emulator/certificate.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { HOME, type Errand, type Outcome } from "../bench/bad-paths/transfers.js";
import { Child } from "../bench/child.js";
import { BadLink, GOOD } from "../support/bad-link.js";
import { boxMissing } from "../support/box-missing.js";
import { ROOT } from "../support/generated.js";
import type { MannerName } from "../support/hostile-manners.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { Talking } from "../support/talking.js";

const skip = boxMissing(["openssl"]);
const NARROW_MTU = 1400;
/** What is tried where longer packets seem to get lost. */
const LEAST_MTU = 1280;
const SILENT = `
table inet silent {
  chain pass {
    type filter hook forward priority -10; policy accept;
    icmp type destination-unreachable icmp code frag-needed drop
    icmpv6 type packet-too-big drop
  }
}
`;
/** What `GET destinations` says of a host. */
interface Destination {
  readonly address: string;
  readonly pathMtu: number | null;
  readonly off: readonly { readonly mechanism: string; readonly reason: string; readonly secondsLeft: number }[];
}
/** What has to be found out of the host, by mechanism; null where its path is to blame and none of them. */
type Blame = Readonly<Record<string, string>> | null;

tap.setTimeout(200_000);

void test("peers that do not take padding are found out", { skip, timeout: 190_000 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "hushbox-hostile-"));
  const laboratory = await Laboratory.build({ name: "hx-host", state: join(directory, "laboratory") });
  const children: Child[] = [];
  let link: BadLink | undefined;
  t.teardown(async () => {
    for (const child of children.reverse()) await child.stop();
    await link?.stop();
    await laboratory.remove();
    rmSync(directory, { recursive: true, force: true });
  });
  const bad = (link = await BadLink.lay(laboratory));
  const { key, cert } = await selfSigned("hushbox.example");
  const [keyFile, certFile] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  writeFileSync(keyFile, key);
  writeFileSync(certFile, cert);
  const peer = (name: string): string => join(ROOT, `build/test/bench/bad-paths/peer-${name}.js`);
  const server = new Child(laboratory.namespaces.world, process.execPath, [peer("server"), keyFile, certFile]);
  children.push(server);
  await server.printed(/^ready/m);
  const options = { stdio: ["pipe", "pipe", "inherit"] as ("pipe" | "inherit")[] };
  const client = new Talking(laboratory.exec("speaker", [process.execPath, peer("client")], options));
  t.teardown(() => {
    client.close();
  });

  /** Transfers through hushbox, which starts with no memory, past such a peer. */
  const past = async (
    manner: MannerName,
    family: "v4" | "v6",
    only: Errand["only"],
  ): Promise<[Outcome[], Destination | undefined, string]> => {
    await bad.start({ seed: "hostile", up: GOOD, down: GOOD, manner });
    const files = join(directory, `box-${manner}-${family}`);
    // Counts are compared with nothing here: decoys and pace would only make it longer.
    const defenses = { decoy: { enabled: false }, pace: { enabled: false } };
    const box = await LaboratoryBox.start(laboratory, files, { preset: "standalone", defenses });
    try {
      const errand: Errand = {
        address: HOME[family],
        seed: "hostile",
        ...(only === undefined ? {} : { only }),
        megabytesDown: 1,
        megabytesUp: 1,
        records: 100,
        largestDatagram: 1_200,
      };
      const outcomes = await client.ask<Outcome[]>(JSON.stringify(errand));
      const { destinations } = (await box.ask("GET", "/api/v1/destinations")).body as { destinations: Destination[] };
      const metrics = String((await box.ask("GET", "/metrics")).body);
      return [outcomes, destinations.find(({ address }) => address === errand.address), metrics];
    } finally {
      await box.stop();
      rmSync(files, { recursive: true, force: true });
    }
  };

  const judge = async (name: string, manner: MannerName, only: Errand["only"], blame: Blame): Promise<void> => {
    for (const family of ["v4", "v6"] as const) {
      await t.test(`${name}, ${family}`, async (t) => {
        const [outcomes, found, metrics] = await past(manner, family, only);
        t.ok(outcomes.length > 0);
        for (const { name: transfer, result, why, ms, gap } of outcomes)
          t.equal(
            result,
            "right",
            `${transfer}: ${why} ${ms.toFixed(0)} ms, at most ${gap.toFixed(0)} ms without progress`,
          );
        const off = Object.fromEntries(found?.off.map(({ mechanism, reason }) => [mechanism, reason]) ?? []);
        t.match(found, { address: HOME[family], pathMtu: blame === null ? LEAST_MTU : found?.pathMtu });
        if (blame === null) t.same(off, {}, "nothing but the path is to blame");
        else t.match(off, blame, "it was found out, and why");
        for (const mechanism of Object.keys(off))
          t.match(metrics, new RegExp(`^hushbox_defense_given_up_total\\{mechanism="${mechanism}"\\} [1-9]`, "m"));
        if (blame === null) t.match(metrics, /^hushbox_defense_cleaned_total\{what="paths_learned"\} [1-9]/m);
        t.comment(JSON.stringify(found));
        t.comment(
          (metrics.match(/^hushbox_defense_(padded_packets|given_up|cleaned)_total.* [1-9].*$/gm) ?? []).join("\n"),
        );
      });
    }
  };

  await judge(
    "a server that ignores ACKs in duplicate segments",
    "ignores-duplicates",
    ["records", "first", "down", "up"],
    { tcpAcks: "acknowledgments ignored" },
  );
  await judge("a middlebox that drops segments which begin too early", "polices-tcp", ["records", "up"], {
    tcpOverlap: "retransmitted",
  });
  await judge("a middlebox that drops UDP surplus", "polices-udp", ["datagrams"], { udpSurplus: "no answer" });

  const silent = await laboratory.run("router", ["nft", "-f", "-"], { input: SILENT });
  t.equal(silent.code, 0, silent.stderr);
  await bad.narrow(NARROW_MTU);
  // Nothing that the device sends is too long for the path: only padding is.
  await judge("a path that tells nobody how much it takes", "none", ["records", "first", "bytes", "datagrams"], null);
  await judge("such a path, and a server that speaks first", "none", ["first"], null);
});
