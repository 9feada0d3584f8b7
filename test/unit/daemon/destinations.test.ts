import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { DestinationWatch } from "../../../src/daemon/destination-watch.js";
import { keptOf, MOST_VERDICTS, stillHeld } from "../../../src/daemon/kept-verdicts.js";
import { VerdictFile } from "../../../src/daemon/verdict-file.js";
import type { DestinationReport } from "../../../src/datapath/handle.js";
import { ask, bearer, CONFIG, LogTwin, startBench } from "../../support/running-daemon.js";

const DAY = 86_400;

function report(address: string, secondsLeft = DAY): DestinationReport {
  return { address, pathMtu: null, off: [{ mechanism: "udpSurplus", reason: "no answer", secondsLeft }] };
}

test("what destinations do not take is told once, kept, and handed to the next run", async (t) => {
  const first = await startBench(t);
  t.same(first.saved?.verdicts, []);
  first.twin.destinationReports = [report("198.51.100.7"), { address: "203.0.113.1", pathMtu: 1492, off: [] }];
  await first.daemon.stop();
  const told = first.log.lines.filter(({ level }) => level === "warn");
  t.same(told, [
    {
      level: "warn",
      message: "a destination does not take a kind of padding; it goes without for a day",
      fields: { destination: "198.51.100.7", mechanism: "udpSurplus", reason: "no answer" },
    },
  ]);
  const path = join(first.state, "destinations.json");
  t.equal(statSync(path).mode & 0o777, 0o600);

  const second = await startBench(t, { config: `${CONFIG}state: ${first.state}\n` });
  const [verdict, ...more] = second.saved?.verdicts ?? [];
  t.same(more, []);
  t.match(verdict, { address: "198.51.100.7", mechanism: "udpSurplus", reason: "no answer" });
  t.ok(Math.abs((verdict?.until ?? 0) - Date.now() - DAY * 1e3) < 60_000);
  second.twin.destinationReports = [report("198.51.100.7", DAY - 1)];
  await second.daemon.stop();
  t.same(
    second.log.lines.filter(({ level }) => level === "warn"),
    [],
    "it was told before",
  );
});

test("a damaged file does not stop a start, and a huge one is damaged", async (t) => {
  const bench = await startBench(t);
  await bench.daemon.stop();
  const path = join(bench.state, "destinations.json");
  const good = { address: "192.0.2.1", mechanism: "tcpAcks", reason: "acknowledgments ignored", until: 1 };
  const log = new LogTwin();
  for (const damaged of [
    "",
    "{",
    "{}",
    "null",
    JSON.stringify([{ ...good, mechanism: "carrier pigeon" }]),
    JSON.stringify([{ ...good, reason: "whim" }]),
    JSON.stringify([{ ...good, until: -1 }]),
    JSON.stringify(Array.from({ length: MOST_VERDICTS + 1 }, () => good)),
  ]) {
    writeFileSync(path, damaged);
    t.equal(new VerdictFile(path, log).load(), null);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  t.equal(log.lines.filter(({ level }) => level === "warn").length, 8);
  t.equal(readdirSync(bench.state).filter((name) => name.startsWith("destinations.json.damaged-")).length, 8);
  writeFileSync(path, JSON.stringify([good]));
  t.same(new VerdictFile(path, log).load(), [good]);
});

test("a verdict that ends is struck out; one that comes again is told again", async (t) => {
  const directory = t.testdir();
  const path = join(directory, "destinations.json");
  const log = new LogTwin();
  const watch = new DestinationWatch(new VerdictFile(path, log), log);
  t.same(watch.load(), []);
  const wall = Date.UTC(2026, 10, 22);
  const read = (): unknown[] => JSON.parse(readFileSync(path, "utf8")) as unknown[];
  watch.look([report("192.0.2.1")], wall);
  watch.look([report("192.0.2.1", DAY - 5)], wall + 5e3);
  t.equal(log.lines.length, 1);
  t.equal(read().length, 1);
  watch.look([{ ...report("192.0.2.1"), off: [] }], wall + DAY * 1e3);
  t.same(read(), []);
  watch.look([report("192.0.2.1")], wall + DAY * 1e3 + 60e3);
  t.equal(log.lines.length, 2);
});

test("of kept verdicts those hold whose time is not over, and as many are kept as hosts are remembered", async (t) => {
  const wall = 1e12;
  const kept = keptOf([report("192.0.2.1", 60), report("192.0.2.2", 10)], wall);
  t.match(stillHeld(kept, wall + 20e3), [{ address: "192.0.2.1", off: [{ secondsLeft: 40 }] }]);
  t.same(
    stillHeld(kept, wall).map(({ address }) => address),
    ["192.0.2.2", "192.0.2.1"],
    "last used last",
  );
  t.equal(
    keptOf(
      Array.from({ length: 2000 }, () => report("192.0.2.1")),
      wall,
    ).length,
    MOST_VERDICTS,
  );
});

test("GET destinations lists them, DELETE forgets what is off", async (t) => {
  const bench = await startBench(t);
  const path = "/api/v1/destinations";
  t.same((await ask(bench, path)).json, { destinations: [] });
  bench.twin.destinationReports = [
    report("198.51.100.7", 86_123.4),
    { address: "203.0.113.1", pathMtu: 1492, off: [] },
  ];
  t.same((await ask(bench, path)).json, {
    destinations: [
      {
        address: "198.51.100.7",
        pathMtu: null,
        off: [{ mechanism: "udpSurplus", reason: "no answer", secondsLeft: 86_124 }],
      },
      { address: "203.0.113.1", pathMtu: 1492, off: [] },
    ],
  });
  t.equal((await ask(bench, path, { method: "DELETE" })).status, 401, "forgetting needs the token");
  const forgotten = await ask(bench, path, { method: "DELETE", headers: bearer(bench) });
  t.same(forgotten.json, { forgotten: 1 });
  t.match((await ask(bench, path)).json, { destinations: [{ off: [] }, { off: [] }] });
  t.same(JSON.parse(readFileSync(join(bench.state, "destinations.json"), "utf8")), []);
  bench.twin.stuck = true;
  t.equal((await ask(bench, path)).status, 503);
  t.equal((await ask(bench, path, { method: "DELETE", headers: bearer(bench) })).status, 503);
  bench.twin.stuck = false;
});
