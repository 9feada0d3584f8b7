import { get, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { test } from "tap";
import { EventStream } from "../../../src/api/event-stream.js";
import { ask, bearer, CONFIG, startBench, type Bench } from "../../support/running-daemon.js";

const PATH = "/api/v1/events";
const PLENTY = `${CONFIG}api: {listen: "127.0.0.1:0", rateLimit: 1000/s}\n`;

/** An open stream and what it has said. */
class Listener {
  text = "";
  ended = false;
  readonly response: IncomingMessage;

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding("utf8");
    response.on("data", (part: string) => (this.text += part));
    response.on("close", () => (this.ended = true));
    response.on("error", () => undefined);
  }

  static open(bench: Bench): Promise<Listener> {
    return new Promise((resolve, reject) => {
      get(`${bench.daemon.url ?? ""}${PATH}`, { agent: false }, (response) => {
        resolve(new Listener(response));
      }).on("error", reject);
    });
  }

  events(name: string): unknown[] {
    return [...this.text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)\n\n/gm)]
      .filter((match) => match[2] === name)
      .map((match) => JSON.parse(match[3] ?? "") as unknown);
  }
}

/** For slow machines: what comes at all comes long before. */
const PATIENCE = 60_000;

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!(await condition()) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function clients(bench: Bench): Promise<number> {
  return Number(/hushbox_api_event_clients (\d+)/.exec((await ask(bench, "/metrics")).text)?.[1]);
}

test("the status comes at once and then once a second, and each change", async (t) => {
  const bench = await startBench(t);
  const listener = await Listener.open(bench);
  t.match(listener.response.headers, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  await until(() => listener.events("status").length > 0);
  t.match(listener.text, /^retry: 2000\n\nid: 1\nevent: status\n/);
  t.match(listener.events("status")[0], { version: "1.2.3", ready: true });
  // Beside a timer of the same process, which a slow machine holds up as much.
  const had = listener.events("status").length;
  let seconds = 0;
  const timer = setInterval(() => seconds++, 1000);
  await until(() => listener.events("status").length >= had + 3);
  clearInterval(timer);
  t.ok(seconds >= 2 && seconds <= 4, `three more took ${seconds} s`);
  await ask(bench, "/api/v1/preset", { method: "PUT", headers: bearer(bench), body: { preset: "off" } });
  await until(() => listener.events("change").length > 0);
  t.match(listener.events("change"), [{ changed: ["/preset"], persisted: false }]);
  listener.response.destroy();
});

test("a reader that goes leaves nothing, and stopping ends the others", async (t) => {
  const bench = await startBench(t, { config: PLENTY });
  const [first, second] = await Promise.all([Listener.open(bench), Listener.open(bench)]);
  t.equal(await clients(bench), 2);
  first.response.destroy();
  await until(async () => (await clients(bench)) === 1);
  t.equal(await clients(bench), 1);
  t.notOk(second.ended);
  await bench.daemon.stop();
  await until(() => second.ended);
  t.ok(second.ended, "an open stream does not hold up the stop");
});

test("there are only so many readers", async (t) => {
  const bench = await startBench(t, { config: PLENTY });
  const listeners = await Promise.all(Array.from({ length: 16 }, () => Listener.open(bench)));
  const refused = await ask(bench, PATH);
  t.equal(refused.status, 503);
  t.match(refused.json, { type: "/problems/too-many-clients" });
  t.equal(refused.headers["retry-after"], "10");
  listeners[0]?.response.destroy();
  await until(async () => (await clients(bench)) < 16);
  const next = await Listener.open(bench);
  t.equal(next.response.statusCode, 200);
});

test("HEAD does not open a stream", async (t) => {
  const bench = await startBench(t);
  t.equal((await ask(bench, PATH, { method: "HEAD" })).status, 405);
  t.equal(await clients(bench), 0);
});

test("a reader that does not read is cut off", async (t) => {
  const { createServer } = await import("node:http");
  const stream = new EventStream(() => ({}));
  const server = createServer((_request, response) => {
    stream.add(response, {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    stream.close();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const open = (): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        resolve(socket);
      });
      socket.on("error", () => undefined);
    });
  const [reading, sleeping] = await Promise.all([open(), open()]);
  reading.resume();
  sleeping.pause();
  await until(() => stream.clients === 2);
  const filler = "x".repeat(64 * 1024);
  // What the kernel takes before it says no is its own business; bounded all the same.
  for (let i = 0; i < 2000 && stream.cut === 0; i++) {
    stream.publish("filler", filler);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(stream.cut, 1);
  t.equal(stream.clients, 1, "the one that reads stays");
  sleeping.destroy();
  reading.destroy();
});
