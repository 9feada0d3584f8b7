import { test, type Test } from "tap";
import type { Settings } from "../../../../src/config/settings.js";
import { checkRealtime } from "../../../../src/daemon/check/realtime-check.js";

const NICE = 1n << 23n;
const settings = (priority: number | "auto", tunnel: object | null) => ({ cards: { priority }, tunnel }) as Settings;
const host = (t: Test, capabilities: bigint, limit: string): string =>
  t.testdir({
    self: {
      status: `Name:\tnode\nCapInh:\t0000000000000000\nCapEff:\t${capabilities.toString(16).padStart(16, "0")}\n`,
      limits: `Max nice priority         0                    0                    \nMax realtime priority     ${limit.padEnd(20)} ${limit.padEnd(20)} \n`,
    },
  });

test("what is not asked for is not missed", (t) => {
  const bare = host(t, 0n, "0");
  t.same(checkRealtime(settings(0, {}), bare), []);
  t.same(checkRealtime(settings("auto", null), bare), [], "auto asks for nothing without a tunnel");
  t.end();
});

test("a limit, none, or the capability allow it", (t) => {
  t.same(checkRealtime(settings("auto", {}), host(t, 0n, "1")), []);
  t.same(checkRealtime(settings(50, {}), host(t, 0n, "unlimited")), []);
  t.same(checkRealtime(settings(99, null), host(t, NICE, "0")), []);
  t.end();
});

test("auto is a wish, a number an order", (t) => {
  t.match(checkRealtime(settings("auto", {}), host(t, ~NICE & 0xffff_ffffn, "0")), [
    { status: "warn", what: "priority", message: /late/, advice: /LimitRTPRIO=/ },
  ]);
  t.match(checkRealtime(settings(51, {}), host(t, 0n, "50")), [{ status: "fail", message: /nic\.priority 51/ }]);
  t.end();
});
