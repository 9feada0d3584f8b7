import { test } from "tap";
import { Known } from "../../../../src/defense/pad/known.js";
import { Paths } from "../../../../src/defense/pad/paths.js";
import { SentSizes } from "../../../../src/defense/pad/sent-sizes.js";
import { micros, seconds } from "../../../../src/time/micros.js";
import { frame, over } from "../../../support/frame.js";
import { mechanismModules } from "../../../support/mechanisms.js";

/** Places of hosts, IPv4 first. */
function hosts(capacity = 8) {
  const { destinations } = mechanismModules("1", capacity);
  const four = (last: number): number => destinations.at4(over(frame({ to: `198.51.100.${last}` })), 30);
  const six = (last: number): number =>
    destinations.at6(over(frame({ from: "2001:db8::1", to: `2001:db8:1::${last}` })), 38);
  return { destinations, paths: new Paths(destinations), four, six };
}

test("a limit holds for ten minutes, is lowered and never raised", async (t) => {
  const { paths, four } = hosts();
  const host = four(1);
  t.equal(paths.limit(host, micros(0)), Infinity);
  t.equal(paths.limit(-1, micros(0)), Infinity);
  paths.lower(host, 1400, seconds(10));
  t.equal(paths.limit(host, seconds(10)), 1400);
  paths.lower(host, 1450, seconds(11));
  t.equal(paths.limit(host, seconds(11)), 1400);
  paths.lower(host, 1300, seconds(100));
  t.equal(paths.limit(host, seconds(699)), 1300);
  t.equal(paths.limit(host, seconds(700)), Infinity, "something larger may be tried");
  paths.lower(host, 1450, seconds(701));
  t.equal(paths.limit(host, seconds(701)), 1450, "the path changed");
  t.equal(paths.limit(four(2), seconds(100)), Infinity, "another host's");
});

test("never below what every path takes", async (t) => {
  const { paths, four, six } = hosts();
  paths.lower(four(1), 68, micros(0));
  paths.lower(six(1), 68, micros(0));
  t.equal(paths.limit(four(1), micros(1)), 576);
  t.equal(paths.limit(six(1), micros(1)), 1280);
});

test("found again, it holds twice as long, up to a day", async (t) => {
  const { paths, four } = hosts();
  const host = four(1);
  let now = 0;
  for (const minutes of [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]) {
    paths.lower(host, 1492, seconds(now));
    paths.lower(host, 1492, seconds(now));
    now += minutes * 60;
    t.equal(paths.limit(host, seconds(now - 1)), 1492, `${minutes} minutes`);
    t.equal(paths.limit(host, seconds(now)), Infinity);
  }
  paths.lower(host, 1400, seconds(now));
  t.equal(paths.limit(host, seconds(now + 600)), Infinity, "another limit begins anew");
});

test("what routers name for two hosts, others begin with", async (t) => {
  const { paths, four, six } = hosts();
  paths.named(four(1), 1492, seconds(0));
  paths.named(four(1), 1492, seconds(1));
  t.equal(paths.limit(four(9), seconds(2)), Infinity, "one host alone");
  paths.named(four(2), 1492, seconds(2));
  t.equal(paths.limit(four(9), seconds(2)), 1492);
  t.equal(paths.limit(six(9), seconds(2)), Infinity, "not for the other family");
  paths.named(four(3), 1400, seconds(3));
  paths.named(four(4), 1400, seconds(3));
  t.equal(paths.limit(four(3), seconds(4)), 1400, "far hosts may be worse off");
  t.equal(paths.limit(four(9), seconds(4)), 1492, "which is not the line's");
  t.equal(paths.limit(four(9), seconds(603)), Infinity, "it ends");
  paths.lower(four(5), 1300, seconds(604));
  paths.lower(four(6), 1300, seconds(604));
  t.equal(paths.limit(four(9), seconds(605)), Infinity, "a guess is nobody else's");
  paths.named(four(1), 1492, seconds(700));
  t.equal(paths.limit(four(9), seconds(701)), 1492, "agreed on before: one host is enough");
});

test("a host that takes a forgotten one's place has no limit", async (t) => {
  const { paths, four } = hosts(2);
  paths.lower(four(1), 1400, micros(0));
  t.equal(paths.limit(four(2), micros(0)), Infinity);
  t.equal(paths.limit(four(3), micros(0)), Infinity);
  t.equal(paths.limit(four(1), micros(0)), Infinity);
});

test("the largest size lately: of this minute and the one before", async (t) => {
  const { destinations, four } = hosts(2);
  const sizes = new SentSizes(destinations);
  const host = four(1);
  t.equal(sizes.largest(host, micros(0)), 0);
  t.equal(sizes.largest(-1, micros(0)), 0);
  sizes.note(-1, 100, micros(0));
  sizes.note(host, 1500, seconds(59));
  sizes.note(host, 100, seconds(60));
  t.equal(sizes.largest(host, seconds(119)), 1500);
  t.equal(sizes.largest(host, seconds(120)), 100, "the minute before");
  t.equal(sizes.largest(host, seconds(180)), 0);
  sizes.note(host, 200, seconds(500));
  sizes.note(host, 90, seconds(501));
  t.equal(sizes.largest(host, seconds(501)), 200);
  t.equal(sizes.largest(four(2), seconds(501)), 0);
  four(3);
  t.equal(sizes.largest(four(1), seconds(501)), 0, "forgotten with the host");
});

test("what a path takes: what nearly every one does, and what got there within the hour", async (t) => {
  const { paths, four } = hosts(2);
  const host = four(1);
  t.equal(paths.takes(host, 1280, micros(0)), true);
  t.equal(paths.takes(host, 1281, micros(0)), false);
  t.equal(paths.takes(-1, 1500, micros(0)), false);
  paths.took(-1, 1500, micros(0));
  paths.took(host, 1500, seconds(1));
  paths.took(host, 1400, seconds(2000));
  t.equal(paths.takes(host, 1500, seconds(3600)), true, "a shorter one says nothing of the longer");
  t.equal(paths.takes(host, 1500, seconds(3601)), false);
  paths.took(host, 1400, seconds(3602));
  t.same(
    [1400, 1401].map((bytes) => paths.takes(host, bytes, seconds(3603))),
    [true, false],
  );
  paths.took(host, 1500, seconds(3604));
  paths.lower(host, 1280, seconds(3605));
  t.equal(paths.takes(host, 1500, seconds(3606)), false, "a limit that was found since outweighs it");
  t.equal(paths.takes(host, 1280, seconds(3606)), true);
  paths.took(host, 1400, seconds(4300));
  four(2);
  four(3);
  t.equal(paths.takes(four(1), 1400, seconds(4301)), false, "forgotten with the host");
});

test("what is noted of a destination is its own, until another takes its place", async (t) => {
  const { destinations, four } = hosts(2);
  const known = new Known(destinations);
  const host = four(1);
  t.equal(known.has(-1), false);
  t.equal(known.has(host), false);
  t.same([known.add(host), known.add(host), known.has(host)], [true, false, true]);
  four(2);
  t.equal(four(3), host, "the oldest made room");
  t.equal(known.has(host), false);
  t.equal(known.add(host), true);
  known.clear();
  t.equal(known.has(host), false);
});
