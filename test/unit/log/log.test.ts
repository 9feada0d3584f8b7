import { spawnSync } from "node:child_process";
import { fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { openLog, styleOf, type LogStyle } from "../../../src/log/open-log.js";
import type { LogLevel } from "../../../src/log/log.js";

function written(style: LogStyle, level: LogLevel, act: (log: ReturnType<typeof openLog>) => void): string {
  let text = "";
  act(
    openLog(level, style, (line) => {
      text += line;
    }),
  );
  return text;
}

test("under journald a line begins with its priority and carries no time", (t) => {
  const text = written("journal", "debug", (log) => {
    log.error("the card is gone", { side: "inside", tries: 3 });
    log.warn("two\nlines");
    log.info("ready", { what: "has a space" });
    log.debug("detail");
  });
  t.equal(text, '<3>the card is gone side=inside tries=3\n<4>two; lines\n<6>ready what="has a space"\n<7>detail\n');
  t.end();
});

test("elsewhere a line is an object", (t) => {
  const line = JSON.parse(
    written("json", "info", (log) => {
      log.info("ready", { port: 8377 });
    }),
  ) as Record<string, unknown>;
  t.match(line, { level: "info", msg: "ready", port: 8377, time: /^20.*Z$/ });
  t.end();
});

test("on a terminal a line is for a person", (t) => {
  t.match(
    written("terminal", "info", (log) => {
      log.warn("late");
    }),
    /^\d\d:\d\d:\d\d warn {2}late\n$/,
  );
  t.end();
});

test("levels filter, and can change", (t) => {
  const text = written("journal", "warn", (log) => {
    log.info("not this");
    log.setLevel("info");
    log.info("this");
  });
  t.equal(text, "<6>this\n");
  t.end();
});

test("a token that somebody hands over by mistake is not written", (t) => {
  for (const style of ["json", "journal", "terminal"] as const) {
    t.notMatch(
      written(style, "info", (log) => {
        log.info("x", { token: "s3cret", authorization: "Bearer s3cret" });
      }),
      "s3cret",
    );
  }
  t.end();
});

test("the style follows where standard output goes", (t) => {
  const fd = openSync("/dev/null", "w");
  const { dev, ino } = fstatSync(fd);
  t.equal(styleOf({ JOURNAL_STREAM: `${dev}:${ino}` }, fd, false), "journal");
  t.equal(styleOf({ JOURNAL_STREAM: "1:1" }, fd, false), "json", "redirected away from the journal");
  t.equal(styleOf({}, fd, true), "terminal");
  t.end();
});

test("a reader that went away does not end the process", (t) => {
  const module = join(import.meta.dirname, "../../../src/log/open-log.js");
  const script = `import(${JSON.stringify(module)}).then(({ openLog }) => { const log = openLog("info", "json"); for (let i = 0; i < 20000; i++) log.info("line"); process.stderr.write("done"); })`;
  const { stderr } = spawnSync("sh", ["-c", '"$0" -e "$1" | head -n 1 >/dev/null', process.execPath, script], {
    encoding: "utf8",
  });
  t.equal(stderr, "done");
  t.end();
});
