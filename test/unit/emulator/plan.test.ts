import { test } from "tap";
import { BACKGROUND, MEDIA_STREAM, MEDIA_TELEMETRY, MEDIA_VOICE, NOISE } from "../../../src/emulator/calibration.js";
import { DEFAULT_MIXTURE, fittingScale, makePlan, only } from "../../../src/emulator/make-plan.js";
import { ACTIVITIES, lasting, total, type Plan, type Step } from "../../../src/emulator/plan.js";
import { seconds } from "../../../src/time/micros.js";

function plan(seed: string, length = 60, mixture = DEFAULT_MIXTURE, scale = 1): Plan {
  return makePlan({ seed, duration: seconds(length), mixture, scale });
}

type Of<A extends Step["action"]> = Extract<Step, { action: A }>;

function all<A extends Step["action"]>({ steps }: Plan, action: A): Of<A>[] {
  return steps.filter((step): step is Of<A> => step.action === action);
}

void test("the same seed gives the same plan, another seed another", (t) => {
  t.same(plan("7"), plan("7"));
  t.notSame(plan("7").steps, plan("8").steps);
  t.end();
});

void test("a longer plan begins like a shorter one", (t) => {
  const short = plan("3", 30).steps.filter(({ at }) => at < 29e6);
  const long = plan("3", 300).steps.filter(({ at }) => at < 29e6);
  t.same(short, long);
  t.end();
});

void test("the default mixture touches everything within a minute", (t) => {
  for (const seed of ["1", "2", "3"]) {
    const made = plan(seed);
    t.same(new Set(made.spans.map(({ activity }) => activity)), new Set(ACTIVITIES));
    t.same(new Set(made.steps.map(({ activity }) => activity)), new Set(ACTIVITIES));
    for (const action of [
      "resolve",
      "time",
      "ping",
      "check",
      "announce",
      "beacon",
      "connect",
      "transfer",
      "probe",
    ] as const) {
      t.ok(all(made, action).length > 0, `${action} with seed ${seed}`);
    }
    t.same(new Set(all(made, "ping").map(({ family }) => family)), new Set([4, 6]));
    t.same(new Set(all(made, "connect").map(({ family }) => family)), new Set([4, 6]));
    t.same(new Set(all(made, "connect").map(({ transport }) => transport)), new Set(["tls", "quic"]));
  }
  t.end();
});

void test("steps are in order, connections are opened before and closed after use", (t) => {
  const made = plan("5", 600);
  const open = new Set<number>();
  let last = 0;
  for (const step of made.steps) {
    t.ok(step.at >= last && step.at <= made.duration);
    last = step.at;
    if (step.action === "connect") open.add(step.connection);
    else if ("connection" in step) t.ok(open.has(step.connection), `${step.action} on ${String(step.connection)}`);
    if (step.action === "close") open.delete(step.connection);
  }
  t.equal(open.size, 0, "nothing stays open");
  t.end();
});

void test("a media query has the measured volumes and times", (t) => {
  let large = 0;
  const queries = 280;
  const made = plan("9", 30 * queries, only("media"));
  const transfers = all(made, "transfer").filter(({ activity }) => activity === "media");
  const connects = new Map(all(made, "connect").map((step) => [step.connection, step]));
  const of = (endpoints: string[]): Of<"transfer">[] =>
    transfers.filter(({ connection }) => endpoints.includes(connects.get(connection)?.endpoint ?? ""));
  for (const { up, down } of of(["voice"])) {
    t.ok(total(up) > 0.85 * MEDIA_VOICE.frameBytesUp[0] && total(up) < MEDIA_VOICE.frameBytesUp[1], "bytes up");
    t.ok(lasting(up) / 1e6 >= MEDIA_VOICE.seconds[0] && lasting(up) / 1e6 <= MEDIA_VOICE.seconds[1], "seconds");
    t.ok((up[0]?.bytes ?? 0) > 0.6 * 100_000 && (up[0]?.bytes ?? 0) < MEDIA_VOICE.firstSecond, "pre-roll and batch");
    t.ok(total(down) > 15_000 && total(down) < MEDIA_VOICE.frameBytesDown[1], "bytes down");
  }
  for (const { up } of of(["telemetry"])) {
    t.ok(total(up) > 0.85 * MEDIA_TELEMETRY.frameBytesUp[0] && total(up) < MEDIA_TELEMETRY.frameBytesUp[1]);
  }
  const streams = of(["music", "radio"]);
  t.equal(streams.length, queries);
  for (const { down } of streams) {
    const rate = (total(down) * 8) / (lasting(down) / 1e6);
    t.ok(rate > 0.9 * MEDIA_STREAM.bitsPerSecond[0] && rate < MEDIA_STREAM.bitsPerSecond[1], "bits per second");
    if (total(down) > 1e6) large += 1;
  }
  t.ok(large > 5 && large < 45, `${String(large)} of ${String(queries)} are large, about 20 expected`);
  t.end();
});

void test("timers have the measured periods", (t) => {
  const made = plan("4", 600, only("idle"));
  const between = (steps: readonly Step[]): number[] =>
    steps.slice(1).map(({ at }, i) => (at - (steps[i]?.at ?? 0)) / 1e6);
  for (const gap of between(all(made, "beacon"))) t.equal(gap, BACKGROUND.beacon);
  t.equal(all(made, "beacon").length, 60);
  const probes = all(made, "probe");
  const tls = all(made, "connect").filter(({ transport, keepAlive }) => transport === "tls" && keepAlive > 0);
  t.equal(tls.length, 4, "lasting TLS connections; calibration: 3-4 are open");
  for (const { connection } of tls) {
    const own = probes.filter((step) => step.connection === connection);
    t.equal(own.length, 13);
    for (const gap of between(own)) t.equal(gap, BACKGROUND.keepAlive);
  }
  const quic = all(made, "connect").find(({ transport, endpoint }) => transport === "quic" && endpoint === "clients");
  for (const gap of between(probes.filter(({ connection }) => connection === quic?.connection))) {
    t.ok(gap >= BACKGROUND.quicPing[0] && gap <= BACKGROUND.quicPing[1]);
  }
  t.same(
    all(made, "announce")
      .slice(0, 3)
      .map(({ at }) => at / 1e6),
    BACKGROUND.announce,
  );
  t.end();
});

void test("a scale shortens times and keeps bytes", (t) => {
  const whole = plan("6", 60);
  const scale = fittingScale(DEFAULT_MIXTURE, seconds(15));
  t.equal(scale, 0.25);
  const short = plan("6", 15, DEFAULT_MIXTURE, scale);
  t.equal(short.steps.length, whole.steps.length);
  const bytes = (made: Plan): number =>
    all(made, "transfer").reduce((sum, { up, down }) => sum + total(up) + total(down), 0);
  t.equal(bytes(short), bytes(whole));
  t.ok(short.steps.every(({ at }) => at <= 15e6));
  t.equal(fittingScale(DEFAULT_MIXTURE, seconds(600)), 1, "a long run is not stretched");
  t.end();
});

void test("the microphone is quiet, quieter than in noise, and silent when it is off", (t) => {
  const up = (activity: "idle" | "microphone" | "noise"): number =>
    all(plan("2", 600, only(activity)), "transfer").reduce((sum, step) => sum + total(step.up), 0);
  t.ok(up("idle") < up("microphone") && up("microphone") < up("noise"));
  const wakes = all(plan("2", 600, only("noise")), "transfer").filter(({ activity }) => activity === "noise");
  for (const { up } of wakes) t.ok(total(up) <= NOISE.frameBytesUp[1]);
  t.end();
});
