// Changes defenses at random over HTTP ten times a second: soak-toggler.js TOKEN_FILE
// until standard input ends; then prints one JSON object.
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";

const API = "http://127.0.0.1:8377/api/v1";
const EVERY_MS = 100;
const token = readFileSync(process.argv[2] ?? "", "utf8").trim();

const some = <T>(list: readonly T[]): T => list[randomInt(list.length)] as T;
const enabled = (): { enabled: boolean } => ({ enabled: randomInt(2) === 0 });

const DECOY_WINDOW = "500ms";

/** A method, a path and a body, none of them wrong. Decoys are changed seldom: they need a few windows in peace to be drawn at all. */
function change(): [string, string, object] {
  const dice = randomInt(100);
  if (dice < 1) return ["PUT", "preset", { preset: some(["off", "paper"]) }];
  if (dice < 3) {
    const body = { enabled: randomInt(3) > 0, variance: some([2, 20]), hops: randomInt(1, 5), window: DECOY_WINDOW };
    return ["PATCH", "defenses/decoy", body];
  }
  if (dice < 50)
    return [
      "PATCH",
      "defenses/pad",
      { ...enabled(), target: some(["mtu", "max", "1000B"]), trailer: randomInt(4) > 0 },
    ];
  const jitter = {
    variance: some([0, 1, 2, 50]),
    maxDelay: some(["1ms", "20ms", "100ms"]),
    window: some(["500ms", "2s"]),
  };
  return ["PATCH", "defenses/jitter", { ...enabled(), ...jitter }];
}

const times: number[] = [];
const wrong: string[] = [];
const asked = new AbortController();
process.stdin.resume().on("end", () => {
  asked.abort();
});

async function make([method, path, body]: [string, string, object]): Promise<void> {
  try {
    const answer = await fetch(`${API}/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status !== 200) wrong.push(`${method} ${path} ${JSON.stringify(body)}: ${answer.status} ${text}`);
  } catch (error) {
    wrong.push(`${method} ${path}: ${String(error)}`);
  }
}

console.log("ready");
while (!asked.signal.aborted) {
  const begun = performance.now();
  await make(change());
  const took = performance.now() - begun;
  times.push(took);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, EVERY_MS - took)));
}
// Decoys would go on, and the counts that are compared now would never be of one moment.
await make(["PUT", "preset", { preset: "off" }]);
times.sort((a, b) => a - b);
const at = (q: number): number => times[Math.floor(q * (times.length - 1))] ?? 0;
console.log(
  JSON.stringify({
    changes: times.length,
    wrong: wrong.length,
    first: wrong.slice(0, 3),
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
  }),
);
process.exit(0);
