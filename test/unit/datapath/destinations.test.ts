import { test } from "tap";
import { DatapathLoop, type Question } from "../../../src/daemon/datapath-loop.js";
import { TakeOver } from "../../../src/daemon/take-over.js";
import type { DestinationReport } from "../../../src/datapath/handle.js";
import type { DefenseOptions } from "../../../src/defense/options.js";
import { micros, seconds } from "../../../src/time/micros.js";
import { TCP } from "../../../src/wire/protocol.js";
import { Box, DEVICE, OFF, options, ROUTER } from "../../support/box.js";
import { TakeOverTwin } from "../../support/take-over-twin.js";
import { frame } from "../../support/frame.js";

const SURPLUS: DefenseOptions = {
  ...OFF,
  pad: { ...OFF.pad, enabled: true, target: "mtu", trailer: false, udpSurplus: true },
};
const SERVER = "198.51.100.7";
const QUESTION = frame({ source: DEVICE, destination: ROUTER, from: "192.168.1.5", to: SERVER });
const ANSWER = frame({ source: ROUTER, destination: DEVICE, from: SERVER, to: "192.168.1.5" });

/** The device asks every 1.5 s until it is answered; answers with the size of each frame that left. */
function asks(box: Box, at: number, answers: (bytes: number) => boolean): number[] {
  const sizes: number[] = [];
  for (let time = at; sizes.length < 10; time += 1.5) {
    box.cards.inside.push(QUESTION, seconds(time));
    box.run(seconds(time + 0.01));
    const size = box.cards.outside.sent.at(-1)?.bytes.length ?? 0;
    sizes.push(size);
    if (!answers(size)) continue;
    box.cards.outside.push(ANSWER, seconds(time + 0.02));
    box.run(seconds(time + 0.03));
    break;
  }
  return sizes;
}

const takesAll = (): boolean => true;
const dropsGrown = (bytes: number): boolean => bytes === QUESTION.length;

test("a server that drops UDP surplus is found out, and its answers come", async (t) => {
  const box = new Box(options(SURPLUS));
  t.same(asks(box, 1, dropsGrown), [1514, QUESTION.length]);
  t.same(asks(box, 10, dropsGrown), [1294, QUESTION.length], "it may have been the length");
  t.same(asks(box, 20, dropsGrown), [QUESTION.length], "from now on it is asked in plain");
  t.equal(box.cards.inside.sent.length, 3);
  t.equal(box.count("given_up_udpSurplus"), 1);
  t.equal(box.count("padded_packets_udpSurplus"), 2);
  t.same(asks(box, 86_420, takesAll), [1514], "a day later it is tried again");
});

test("a path that says nothing of what is too long for it is found out, and padding goes on", async (t) => {
  const box = new Box(options(SURPLUS));
  const takesShort = (bytes: number): boolean => bytes <= 14 + 1400;
  t.same(asks(box, 1, takesShort), [1514, QUESTION.length]);
  for (let at = 10; at < 600; at += 20) t.same(asks(box, at, takesShort), [1294]);
  t.same([box.count("given_up_udpSurplus"), box.count("paths_learned")], [0, 1]);
  t.match(box.datapath.destinations(seconds(600)), [{ address: SERVER, pathMtu: 1280, off: [] }]);
  t.same(asks(box, 86_420, takesShort), [1514, 1514, QUESTION.length], "a day later more is tried");
  t.same(asks(box, 86_440, takesShort), [1294]);
});

test("a server that takes it goes on being padded to", async (t) => {
  const box = new Box(options(SURPLUS));
  for (let at = 1; at < 400; at += 20) t.same(asks(box, at, takesAll), [1514]);
  t.equal(box.count("given_up_udpSurplus"), 0);
});

test("TCP of the same server is no answer to a datagram", async (t) => {
  const box = new Box(options(SURPLUS));
  box.cards.inside.push(QUESTION, seconds(1));
  box.cards.outside.push(
    frame({ source: ROUTER, destination: DEVICE, from: SERVER, to: "192.168.1.5", protocol: TCP }),
    seconds(2),
  );
  box.cards.inside.push(QUESTION, seconds(3));
  box.run(seconds(4));
  t.same(
    box.cards.outside.sent.map(({ bytes }) => bytes.length),
    [1514, QUESTION.length],
  );
});

test("what was found is told, taken over by the next run, and forgotten when asked", async (t) => {
  const box = new Box(options(SURPLUS));
  asks(box, 1, dropsGrown);
  asks(box, 10, dropsGrown);
  const { datapath, cards, counters } = box;
  const twin = new TakeOverTwin();
  const takeOver = new TakeOver(twin, twin, box.counters);
  const wanted = { month: "2026-11", options: options(SURPLUS), bridge: null };
  const loop = new DatapathLoop(wanted, { datapath, cards, counters, takeOver });
  const ask = (question: Question) => loop.answer(question, seconds(100));
  const { value } = ask({ id: 1, ask: "destinations" }) as { value: DestinationReport[] };
  t.match(value, [{ address: SERVER, pathMtu: 1280, off: [{ mechanism: "udpSurplus", reason: "no answer" }] }]);
  t.ok(Math.abs((value[0]?.off[0]?.secondsLeft ?? 0) - 86_400) < 100);
  t.equal(box.count("mechanisms_off"), 1);

  const next = new Box(options(SURPLUS));
  const six = {
    address: "2001:db8::7",
    off: [{ mechanism: "tcpAcks", reason: "acknowledgments ignored", secondsLeft: 9 }],
  } as const;
  const nonsense = {
    address: "nonsense",
    off: [{ mechanism: "udpSurplus", reason: "no answer", secondsLeft: 9 }],
  } as const;
  next.datapath.restore([nonsense, six, ...value], micros(0));
  t.match(next.datapath.destinations(micros(0)), [
    { address: SERVER, off: [{ mechanism: "udpSurplus" }] },
    { address: "2001:db8::7", off: [{ mechanism: "tcpAcks", secondsLeft: 9 }] },
  ]);
  t.same(asks(next, 1, dropsGrown), [QUESTION.length], "it is not tried again");
  t.equal(next.count("given_up_udpSurplus"), 0);

  t.same(ask({ id: 2, ask: "forgetDestinations" }), { id: 2, value: null });
  t.equal(box.count("mechanisms_off"), 0);
  t.match(ask({ id: 3, ask: "destinations" }), { value: [{ address: SERVER, off: [] }] });
  t.same(asks(box, 200, takesAll), [1514]);
});
