import { test } from "tap";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { micros } from "../../../src/time/micros.js";
import { conditionsOf, PATHS } from "../../bench/bad-paths/conditions.js";
import { kernelCounts, since } from "../../bench/bad-paths/kernel-counts.js";
import { meeting } from "../../bench/bad-paths/meeting.js";
import { COMMON, RARE } from "../../bench/bad-paths/programs.js";
import { Progress } from "../../bench/bad-paths/progress.js";
import { stallBound } from "../../bench/bad-paths/summary.js";
import { BadPath, LOST } from "../../support/bad-path.js";

test("a run's conditions follow from its seed, and two hundred runs meet all of them", (t) => {
  t.same(conditionsOf(7, true), conditionsOf(7, true));
  const all = Array.from({ length: 200 }, (_, i) => conditionsOf(i + 1, true));
  const seen = (of: (c: (typeof all)[number]) => unknown): number => new Set(all.map(of)).size;
  for (const name of ["family", "whole", "loss", "congestion", "gro", "cookies", "sack", "timestamps"] as const)
    t.equal(
      seen((c) => c[name]),
      2,
      name,
    );
  t.equal(
    seen(({ path }) => path),
    PATHS.length,
  );
  t.same(new Set(all.flatMap(({ programs }) => programs)), new Set(COMMON));
  const rare = all.filter((conditions) => conditions.rare.length > 0);
  t.equal(rare.length, 20);
  t.same(new Set(rare.flatMap((conditions) => conditions.rare)), new Set(RARE));
  const delays = all.flatMap(({ delayUp, delayDown }) => [delayUp, delayDown]);
  t.ok(Math.min(...delays) >= 5_000 && Math.max(...delays) <= 25_000);
  t.same({ ...conditionsOf(3, false), congestion: "" }, { ...conditionsOf(3, true), congestion: "" });
  t.end();
});

test("a bad path loses and holds the share it says, the same packets for the same seed", (t) => {
  const options = { delay: 10_000, loss: 0.01, reorder: 0.02 };
  const walk = (): { left: number[]; path: BadPath } => {
    const path = new BadPath(options, new SeededRandom("walk"));
    return { left: Array.from({ length: 20_000 }, (_, i) => path.leaves(micros(i * 100))), path };
  };
  const { left, path } = walk();
  t.same(left, walk().left);
  t.ok(Math.abs(path.lost - 200) < 60, `${path.lost} lost`);
  t.ok(Math.abs(path.reordered - 400) < 80, `${path.reordered} held`);
  t.equal(left.filter((at) => at === LOST).length, path.lost);
  t.ok(left.every((at, i) => at === LOST || (at >= i * 100 + 10_000 && at <= i * 100 + 18_000)));
  t.end();
});

test("a good path keeps the order of packets whose stamps are not in order", (t) => {
  const path = new BadPath({ delay: 5_000, loss: 0, reorder: 0 }, new SeededRandom(1));
  t.same([path.leaves(micros(100)), path.leaves(micros(90)), path.leaves(micros(200))], [5_100, 5_100, 5_200]);
  t.end();
});

test("reads what the kernel counts", (t) => {
  const text = (dsacks: number, errors: number): string =>
    [
      "TcpExt: SyncookiesSent TCPDSACKRecv TCPDSACKOfoRecv OutOfWindowIcmps",
      `TcpExt: 5 ${dsacks} 2 1`,
      "Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs",
      "Icmp: 9 9 0 3 1 0",
      "Tcp: RtoAlgorithm RetransSegs InCsumErrors EstabResets",
      "Tcp: 1 17 0 4",
      "Udp6InErrors                    \t8",
      "Udp6RcvbufErrors                \t2",
      `Icmp6InPktTooBigs               \t${errors}`,
      "Icmp6InMsgs                     \t99",
    ].join("\n");
  const before = kernelCounts(text(4, 1));
  t.match(before, { dsacks: 6, outOfWindowIcmps: 1, icmpErrors: 5, retransmits: 17, udpErrors: 6, resets: 4 });
  t.match(since(before, kernelCounts(text(14, 3))), { dsacks: 10, icmpErrors: 2, retransmits: 0 });
  t.end();
});

test("who comes to a meeting waits for the last", async (t) => {
  const others = meeting(2);
  const came: string[] = [];
  const first = others().then(() => came.push("first"));
  await new Promise((resolve) => setImmediate(resolve));
  t.same(came, []);
  await Promise.all([first, others()]);
  t.same(came, ["first"]);
});

test("a stall is three round trips and a retransmission timeout", (t) => {
  const plain = { ...conditionsOf(1, true), delayUp: 10_000, delayDown: 15_000, reorder: 0, whole: false };
  t.equal(stallBound(plain), 3 * 25 + 25 + 200);
  t.ok(stallBound({ ...plain, whole: true }) > stallBound(plain));
  t.end();
});

test("progress forgets what was before the connection", async (t) => {
  const progress = new Progress();
  await new Promise((resolve) => setTimeout(resolve, 60));
  progress.connected();
  progress.step();
  const { gap, ms } = progress.seen();
  t.ok(ms - gap >= 59, `${gap} of ${ms} ms`);
});
