import { createSocket } from "node:dgram";
import fc from "fast-check";
import { test } from "tap";
import { namedDevices } from "../../../src/setup/devices.js";
import { question, readAnswers } from "../../../src/setup/mdns-message.js";
import { macOf, searchSpeakers, SERVICES, speakersIn } from "../../../src/setup/speaker-search.js";
import { MachineTwin } from "../../support/machine-twin.js";

const word = (...values: number[]): Buffer => Buffer.concat(values.map((value) => Buffer.of(value >> 8, value & 0xff)));
const label = (text: string): Buffer => Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)]);
const name = (...labels: string[]): Buffer => Buffer.concat([...labels.map(label), Buffer.of(0)]);
const record = (owner: Buffer, type: number, data: Buffer): Buffer =>
  Buffer.concat([owner, word(type, 0x8001, 0, 120, data.length), data]);
/** A pointer to the first record's owner. */
const SERVICE = Buffer.of(0xc0, 12);

/** What a Chromecast says: service, text, host and address, names compressed. */
function chromecast(called: string): Buffer {
  const instance = Buffer.concat([label("Google-Home.x-1"), SERVICE]);
  const host = name("0123", "local");
  return Buffer.concat([
    word(0, 0x8400, 0, 1, 0, 3),
    record(name("_googlecast", "_tcp", "local"), 12, instance),
    record(instance, 16, Buffer.concat([label("id=77"), label(`fn=${called}`)])),
    record(instance, 33, Buffer.concat([word(0, 0, 8009), host])),
    record(host, 1, Buffer.of(127, 0, 0, 1)),
  ]);
}

test("reads what a speaker says of itself", (t) => {
  const answers = readAnswers(chromecast("Küche"));
  t.ok(answers);
  if (answers !== null)
    t.same(speakersIn(answers, "192.0.2.9"), [{ called: "Küche", address: "127.0.0.1", service: "googlecast" }]);
  const airplay = Buffer.concat([
    word(0, 0x8400, 0, 1, 0, 0),
    record(name("_raop", "_tcp", "local"), 12, Buffer.concat([label("0123456789AB@Bedroom"), SERVICE])),
  ]);
  const found = readAnswers(airplay);
  if (found !== null)
    t.same(speakersIn(found, "192.0.2.9"), [{ called: "Bedroom", address: "192.0.2.9", service: "raop" }]);
  const other = Buffer.concat([
    word(0, 0x8400, 0, 1, 0, 0),
    record(name("_printer", "_tcp", "local"), 12, Buffer.concat([label("Laser"), SERVICE])),
  ]);
  const printer = readAnswers(other);
  if (printer !== null) t.same(speakersIn(printer, "192.0.2.9"), []);
  t.end();
});

test("messages that make no sense are none", (t) => {
  t.equal(readAnswers(question(SERVICES)), null, "a question");
  const loop = Buffer.concat([word(0, 0x8400, 0, 1, 0, 0), Buffer.of(0xc0, 12), word(12, 1, 0, 0, 0)]);
  t.equal(readAnswers(loop), null, "a name that points at itself");
  const whole = chromecast("x");
  for (let length = 0; length < whole.length; length++) t.equal(readAnswers(whole.subarray(0, length)), null);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(250), (bytes, at) => {
      readAnswers(Buffer.from(bytes));
      const spoilt = Buffer.from(whole);
      bytes.forEach((byte, i) => {
        if (at + i < spoilt.length) spoilt[at + i] = byte;
      });
      readAnswers(spoilt);
    }),
    { seed: 1 },
  );
  t.end();
});

test("asks, and hears who answers", async (t) => {
  const speaker = createSocket("udp4");
  await new Promise<void>((resolve) => speaker.bind(0, "127.0.0.1", resolve));
  t.teardown(() => speaker.close());
  const asked: Buffer[] = [];
  speaker.on("message", (message, { port, address }) => {
    asked.push(message);
    speaker.send("nonsense", port, address);
    speaker.send(chromecast("Kitchen"), port, address);
  });
  const found = await searchSpeakers(["127.0.0.1"], 300, { address: "127.0.0.1", port: speaker.address().port });
  t.same(
    found,
    [{ called: "Kitchen", address: "127.0.0.1", service: "googlecast" }],
    "once, though it answered thrice",
  );
  t.same(asked[0], question(SERVICES));
});

test("asks also where the kernel binds no multicast to the address, and where another address has gone", async (t) => {
  const speaker = createSocket("udp4");
  await new Promise<void>((resolve) => speaker.bind(0, "127.0.0.1", resolve));
  t.teardown(() => speaker.close());
  let asked = 0;
  speaker.on("message", () => asked++);
  const to = { address: "127.0.0.1", port: speaker.address().port };
  // A broadcast address can be bound to; IP_MULTICAST_IF of it fails.
  t.same(await searchSpeakers(["127.255.255.255", "192.0.2.1"], 300, to), []);
  t.equal(asked, 3);
  await t.rejects(searchSpeakers(["192.0.2.1"], 300, to), {
    code: "setup",
    message: /looking for speakers from 192\.0\.2\.1 failed: .*EADDRNOTAVAIL/,
  });
});

test("finds a MAC address among neighbours", async (t) => {
  const machine = new MachineTwin(t);
  let looks = 0;
  machine.answers.set("ip -j -4 neigh", () =>
    ++looks < 2 ? "[]" : '[{"dst":"127.0.0.1","dev":"eth0","lladdr":"AA:BB:CC:00:00:07"}]',
  );
  t.equal(await macOf(machine.host, "127.0.0.1"), "aa:bb:cc:00:00:07");
});

test("devices by the name that they go under", async (t) => {
  const around = async () => [
    { mac: "aa:bb:cc:00:00:01", called: "Living Room", how: "" },
    { mac: "aa:bb:cc:00:00:02", called: "Office", how: "" },
    { mac: "aa:bb:cc:00:00:03", called: "office", how: "" },
  ];
  t.same(await namedDevices(["living room", "hall=aa:bb:cc:00:00:09"], around), [
    { name: "living-room", mac: "aa:bb:cc:00:00:01" },
    { name: "hall", mac: "aa:bb:cc:00:00:09" },
  ]);
  await t.rejects(namedDevices(["Office"], around), { message: /2 speakers are called "Office" .*--device NAME=/ });
  await t.rejects(namedDevices(["Bath"], around), {
    message: /no speaker called "Bath".*Living Room \(aa:bb:cc:00:00:01\)/,
  });
  await t.rejects(
    namedDevices(["Bath"], async () => []),
    { message: /none does/ },
  );
  const never = async () => t.fail("nobody has to be asked for addresses") as never;
  await namedDevices(["hall=aa:bb:cc:00:00:09"], never);
});
