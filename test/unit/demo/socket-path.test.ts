import { test } from "tap";
import { Demo, type DemoOptions } from "../../../src/demo/demo.js";
import { StreamScreen } from "../../../src/demo/screen.js";
import { socketPath } from "../../../src/demo/socket-path.js";
import { seconds } from "../../../src/time/micros.js";

const ADVICE = "set TMPDIR to a shorter folder";

test("what fits is left as it is, and what would be cut is refused", (t) => {
  const longest = `/${"a".repeat(106)}`;
  t.equal(socketPath(longest, ADVICE), longest);
  for (const path of [`${longest}a`, `/${"é".repeat(54)}`])
    t.throws(() => socketPath(path, ADVICE), {
      code: "host",
      message: `${path} has ${Buffer.byteLength(path)} bytes, and a unix socket's path at most 107: ${ADVICE}`,
    });
  t.end();
});

test("a demo in too deep a folder is refused before it builds anything", (t) => {
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = `/tmp/${"deep".repeat(25)}`;
  t.teardown(() => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  });
  const options: DemoOptions = {
    preset: "off",
    duration: seconds(1),
    seed: "1",
    card: "ring",
    defenses: {},
    questions: null,
    captures: null,
    origin: "",
    keep: false,
  };
  const make = (): Demo => new Demo(options, new StreamScreen(process.stderr), new AbortController().signal);
  t.throws(make, { code: "host", message: ADVICE });
  t.end();
});
