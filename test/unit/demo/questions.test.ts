import { join } from "node:path";
import { test } from "tap";
import { labelCapture } from "../../../src/demo/labelled-capture.js";
import { Questions } from "../../../src/demo/questions.js";
import { Dataset } from "../../../src/lab/dataset/dataset.js";
import { PcapWriter } from "../../../src/nic/pcap-writer.js";
import { micros, seconds } from "../../../src/time/micros.js";
import { frame } from "../../support/frame.js";

const options = { classes: ["media", "travel", "utility"], every: seconds(30), duration: seconds(300), seed: "1" };

test("questions come in rounds of one of each class, in a drawn order", (t) => {
  const { spans, mixture } = new Questions(options);
  t.equal(spans.length, 9, "three rounds in five minutes");
  for (const round of [0, 3, 6])
    t.same(
      spans
        .slice(round, round + 3)
        .map(({ activity }) => activity)
        .sort(),
      options.classes,
    );
  t.same(
    spans.map(({ from, to }) => [from, to]),
    spans.map((_, i) => [seconds(15 + 30 * i), seconds(45 + 30 * i)]),
  );
  t.match(mixture, /^idle:15s,((media|travel|utility):30s,?){9}$/);
  t.same(new Questions(options).spans, spans);
  const other = new Questions({ ...options, duration: seconds(3600) });
  t.ok(
    new Set(Array.from({ length: 39 }, (_, i) => other.spans[3 * i]?.activity)).size > 1,
    "not always the same first",
  );
  t.end();
});

test("questions that cannot be asked", (t) => {
  const asked = (more: Partial<typeof options>) => () => new Questions({ ...options, ...more });
  t.throws(asked({ classes: ["media", "sleep"] }), { code: "usage", message: /no activity "sleep"/ });
  t.throws(asked({ classes: ["media"] }), { code: "usage", message: /two classes/ });
  t.throws(asked({ classes: ["media", "media"] }), { code: "usage", message: /each named once/ });
  t.throws(asked({ duration: seconds(60) }), { code: "usage", message: /1min have no room for 3 questions, each 30s/ });
  t.end();
});

test("the manifest beside a capture has each question as a stretch of it", (t) => {
  const file = join(t.testdir(), "wan.pcap");
  const start = 1_790_000_000e6;
  const pcap = new PcapWriter(file);
  const bytes = frame({});
  pcap.write(micros(start), bytes, 0, bytes.length);
  pcap.close();
  const questions = new Questions(options);
  const path = labelCapture(questions, {
    file,
    device: "198.51.100.2",
    name: "demo",
    origin: "a test",
    began: start + 2.5e6,
  });
  const set = Dataset.open(path);
  t.equal(set.real, false);
  const { classes, members } = set.task("questions");
  t.same(classes, options.classes);
  t.same(
    members.map(({ entry: { label, from, to } }) => ({ activity: label, from: from - 2.5e6, to: to - 2.5e6 })),
    questions.spans,
  );
  t.same([...new Set(members.map(({ entry }) => entry.group))], ["round-001", "round-002", "round-003"]);
  t.end();
});
