// Peers and middleboxes that do not take what padding does. Each is found out, and the flow comes to its end:
//
//     speaker ── box(hushbox) ── router(NAT) ── isp ── [hostile box] ── world
//
// Needs root and what the laboratory needs; skipped aloud without.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tap, { test } from "tap";
import { selfSigned } from "../../src/emulator/certificate.js";
import { missingPackages } from "../../src/emulator/command.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { HOME, type Errand, type Outcome } from "../bench/campaign/transfers.js";
import { Child } from "../bench/child.js";
import { BadLink, GOOD } from "../support/bad-link.js";
import { ROOT } from "../support/generated.js";
import type { MannerName } from "../support/hostile-manners.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { Talking } from "../support/talking.js";

const packages = missingPackages(["openssl"]);
const skip =
  Laboratory.unavailable() ??
  (packages.length > 0
    ? `install the Debian packages ${packages.join(" ")}`
    : !existsSync(join(ROOT, "build/native/ring.node")) && "needs build/native/ring.node (npm run build)");
const NARROW_MTU = 1400;
const SILENT = `
table inet silent {
  chain pass {
    type filter hook forward priority -10; policy accept;
    icmp type destination-unreachable icmp code frag-needed drop
    icmpv6 type packet-too-big drop
  }
}
`;
/** Names of counters, of which one at least has to show that it was found out. */
const COUNTED: Readonly<Record<MannerName | "silent", RegExp>> = {
  none: /^$/,
  "ignores-duplicates": /^hushbox_defense_given_up_total\{mechanism="tcp(Acks|Overlap)"\} [1-9]/m,
  "polices-udp": /^hushbox_defense_given_up_total\{mechanism="udpSurplus"\} [1-9]/m,
  "polices-tcp": /^hushbox_defense_given_up_total\{mechanism="tcp(Acks|Overlap)"\} [1-9]/m,
  silent: /^hushbox_defense_(given_up_total\{mechanism="\w+"\}|cleaned_total\{what="paths_learned"\}) [1-9]/m,
};

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
  const peer = (name: string): string => join(ROOT, `build/test/bench/campaign/peer-${name}.js`);
  const server = new Child(laboratory.namespaces.world, process.execPath, [peer("server"), keyFile, certFile]);
  children.push(server);
  await server.printed(/^ready/m);
  const options = { stdio: ["pipe", "pipe", "inherit"] as ("pipe" | "inherit")[] };
  const client = new Talking(laboratory.exec("speaker", [process.execPath, peer("client")], options));
  t.teardown(() => {
    client.close();
  });

  /** Transfers through hushbox, which starts with no memory, past such a peer. */
  const past = async (manner: MannerName, family: "v4" | "v6", only: Errand["only"]): Promise<[Outcome[], string]> => {
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
      return [outcomes, String((await box.ask("GET", "/metrics")).body)];
    } finally {
      await box.stop();
      rmSync(files, { recursive: true, force: true });
    }
  };

  const judge = async (
    name: string,
    manner: MannerName,
    found: keyof typeof COUNTED,
    only: Errand["only"],
  ): Promise<void> => {
    for (const family of ["v4", "v6"] as const) {
      await t.test(`${name}, ${family}`, async (t) => {
        const [outcomes, metrics] = await past(manner, family, only);
        t.ok(outcomes.length > 0);
        for (const { name: transfer, result, why, ms, gap } of outcomes)
          t.equal(
            result,
            "right",
            `${transfer}: ${why} ${ms.toFixed(0)} ms, at most ${gap.toFixed(0)} ms without progress`,
          );
        t.ok(COUNTED[found].test(metrics), "it was found out");
        t.comment(
          (metrics.match(/^hushbox_defense_(padded_packets|given_up|cleaned)_total.* [1-9].*$/gm) ?? []).join("\n"),
        );
      });
    }
  };

  await judge("a server that ignores ACKs in duplicate segments", "ignores-duplicates", "ignores-duplicates", [
    "records",
    "first",
    "down",
    "up",
  ]);
  await judge("a middlebox that drops segments which begin too early", "polices-tcp", "polices-tcp", ["records", "up"]);
  await judge("a middlebox that drops UDP surplus", "polices-udp", "polices-udp", ["datagrams"]);

  const silent = await laboratory.run("router", ["nft", "-f", "-"], { input: SILENT });
  t.equal(silent.code, 0, silent.stderr);
  await bad.narrow(NARROW_MTU);
  // Nothing that the device sends is too long for the path: only padding is.
  await judge("a path that tells nobody how much it takes", "none", "silent", [
    "records",
    "first",
    "bytes",
    "datagrams",
  ]);
});
