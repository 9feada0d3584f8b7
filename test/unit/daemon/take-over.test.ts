import { test } from "tap";
import { Counters } from "../../../src/datapath/counters.js";
import { TakeOver } from "../../../src/daemon/take-over.js";
import { millis } from "../../../src/time/micros.js";
import { BRIDGE, TakeOverTwin } from "../../support/take-over-twin.js";

/** What `act` made of the cards and the table. */
function told(twin: TakeOverTwin, act: () => void): string[] {
  twin.calls.length = 0;
  act();
  return [...twin.calls];
}

function setUp() {
  const twin = new TakeOverTwin();
  const counters = new Counters();
  const takeOver = new TakeOver(twin, twin, counters);
  const read = (name: string): number => counters.read(`take_over_${name}`);
  /** A turn at so many milliseconds. */
  const turn = (at: number): void => {
    twin.now = millis(at);
    takeOver.turn(millis(at));
  };
  return { twin, takeOver, read, turn };
}

test("without a bridge there is no table, and nothing is given back", (t) => {
  const { twin, takeOver, read, turn } = setUp();
  const calls = told(twin, () => {
    takeOver.change([1], null, millis(5));
    turn(10_000);
    takeOver.end();
  });
  t.same(calls, ["disarm", "filter 1 -"]);
  t.equal(read("armed"), 0);
  t.end();
});

test("it arms, then gives back what the kernel has forwarded", (t) => {
  const { twin, takeOver, read } = setUp();
  twin.waiting = 3;
  t.same(
    told(twin, () => {
      takeOver.change([1, 2], BRIDGE, millis(5));
    }),
    ["filter 1,2 br0", "arm 1,2", "discard"],
  );
  t.same([read("armed"), read("since_us"), read("stale_frames"), read("lapses")], [1, 5000, 3, 0]);
  t.end();
});

test("the kernel is told at every tick, and not at every packet", (t) => {
  const { twin, takeOver, turn } = setUp();
  takeOver.change([1], BRIDGE, millis(0));
  const calls = told(twin, () => {
    for (let now = 0; now <= 1000; now += 10) turn(now);
  });
  t.same(calls, Array<string>(5).fill("beat"));
  t.end();
});

test("a loop that stood still arms anew, and gives back what came meanwhile", (t) => {
  const { twin, takeOver, read, turn } = setUp();
  takeOver.change([1], BRIDGE, millis(0));
  twin.waiting = 7;
  t.same(
    told(twin, () => {
      turn(681);
    }),
    ["arm 1", "discard"],
  );
  t.same([read("lapses"), read("stale_frames"), read("since_us")], [1, 7, 681_000]);
  t.same(
    told(twin, () => {
      turn(690);
    }),
    [],
  );
  t.end();
});

test("what the kernel did not take is tried again, and in time taken for a lapse", (t) => {
  const { twin, takeOver, read, turn } = setUp();
  takeOver.change([1], BRIDGE, millis(0));
  twin.keeps = false;
  for (const now of [250, 500]) turn(now);
  t.equal(read("lapses"), 0);
  turn(750);
  t.equal(read("lapses"), 1);
  t.end();
});

test("other devices: the kernel lets go before we take, and takes after we let go", (t) => {
  const { twin, takeOver } = setUp();
  takeOver.change([1, 2], BRIDGE, millis(0));
  t.same(
    told(twin, () => {
      takeOver.change([2, 3], BRIDGE, millis(100));
    }),
    ["change 1,2,3", "filter 2,3 br0", "change 2,3"],
  );
  t.same(
    told(twin, () => {
      takeOver.change([2, 3], { ...BRIDGE, name: "br1" }, millis(150));
    }),
    ["filter 2,3 br1"],
    "another station behind the bridge is the cards' business alone",
  );
  t.end();
});

test("a bridge that sends frames back inside: those of devices are ours too", (t) => {
  const { twin, takeOver, read, turn } = setUp();
  const hairpin = { ...BRIDGE, hairpin: true };
  t.same(
    told(twin, () => {
      takeOver.change([1, 2], hairpin, millis(0));
    }),
    ["filter 1,2 br0 hairpin", "arm 1,2 between 1,2", "discard"],
  );
  t.equal(read("isolated"), 1);
  t.same(
    told(twin, () => {
      takeOver.change([2, 3], hairpin, millis(100));
    }),
    ["change 1,2,3 between 1,2,3", "filter 2,3 br0 hairpin", "change 2,3 between 2,3"],
  );
  t.same(
    told(twin, () => {
      takeOver.change([2, 3], BRIDGE, millis(200));
    }),
    ["change 2,3 between 2,3", "filter 2,3 br0", "change 2,3"],
    "we let go before the kernel sends back again",
  );
  t.equal(read("isolated"), 0);
  twin.waiting = 4;
  t.same(
    told(twin, () => {
      takeOver.change([2, 3], hairpin, millis(300));
    }),
    ["change 2,3 between 2,3", "filter 2,3 br0 hairpin", "discard", "change 2,3 between 2,3"],
    "what the kernel has sent back already is given back",
  );
  t.same([read("isolated"), read("stale_frames")], [1, 4]);
  t.same(
    told(twin, () => {
      turn(1100);
    }),
    ["arm 2,3 between 2,3", "discard"],
  );
  takeOver.end();
  t.equal(read("isolated"), 0);
  t.end();
});

test("the bridge goes, and comes back", (t) => {
  const { twin, takeOver, read, turn } = setUp();
  takeOver.change([1], BRIDGE, millis(0));
  t.same(
    told(twin, () => {
      takeOver.change([1], null, millis(100));
    }),
    ["disarm", "filter 1 -"],
  );
  t.equal(read("armed"), 0);
  t.same(
    told(twin, () => {
      turn(5000);
    }),
    [],
  );
  twin.now = millis(5000);
  takeOver.change([1], BRIDGE, millis(5000));
  t.equal(read("armed"), 1);
  t.equal(read("lapses"), 0);
  t.end();
});

test("at the end the cards stop before the kernel goes on", (t) => {
  const { twin, takeOver, read } = setUp();
  takeOver.change([1], BRIDGE, millis(0));
  const end = (): void => {
    takeOver.end();
    takeOver.end();
  };
  t.same(told(twin, end), ["finish", "disarm"]);
  t.equal(read("armed"), 0);
  t.end();
});
