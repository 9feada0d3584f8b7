import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { Token } from "../../../src/api/token.js";
import { LogTwin } from "../../support/running-daemon.js";

test("a token is made on first start, for its owner alone, and stays", (t) => {
  const path = join(t.testdir({}), "state", "token");
  const log = new LogTwin();
  const token = Token.load(path, log);
  const text = readFileSync(path, "utf8");
  t.match(text, /^[\w-]{43}\n$/, "32 random bytes");
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.same(readdirSync(join(path, "..")), ["token"], "nothing half made is left");
  t.ok(token.accepts(`Bearer ${text.trim()}`));
  t.ok(Token.load(path, log).accepts(`bearer  ${text.trim()}`), "the scheme's case does not matter (RFC 9110, 11.1)");
  t.equal(readFileSync(path, "utf8"), text);
  t.notMatch(JSON.stringify(log.lines), text.trim(), "the token is never logged");
  const other = join(t.testdir({ other: {} }), "other", "token");
  Token.load(other, log);
  t.not(readFileSync(other, "utf8"), text);
  t.end();
});

test("what is not the token is refused", (t) => {
  const path = join(t.testdir({}), "token");
  const token = Token.load(path, new LogTwin());
  const text = readFileSync(path, "utf8").trim();
  for (const header of [
    undefined,
    "",
    "Bearer",
    "Bearer ",
    text,
    `Basic ${text}`,
    `Bearer ${text}x`,
    `Bearer ${text.slice(1)}`,
    `Bearer ${text} x`,
    `Bearer ${text.toUpperCase()}!`,
  ]) {
    t.notOk(token.accepts(header), String(header?.replace(text, "TOKEN")));
  }
  t.end();
});

test("a file that holds none, or that others can read", (t) => {
  const directory = t.testdir({ empty: "", short: "abc\n", open: `${"a".repeat(43)}\n` });
  for (const name of ["empty", "short"]) {
    t.throws(() => Token.load(join(directory, name), new LogTwin()), {
      code: "state-unreadable",
      message: /holds no token.*delete it/,
    });
  }
  chmodSync(join(directory, "open"), 0o644);
  const log = new LogTwin();
  Token.load(join(directory, "open"), log);
  t.match(log.lines, [{ level: "warn", message: /can be read by others/ }]);
  writeFileSync(join(directory, "file"), "");
  t.throws(() => Token.load(join(directory, "file", "token"), new LogTwin()), {
    code: "state-unreadable",
    message: /making the token file/,
  });
  t.end();
});
