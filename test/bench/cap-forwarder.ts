// npm cap as its README shows it, on two interfaces: cap-forwarder.js INSIDE OUTSIDE
import { createRequire } from "node:module";

interface Cap {
  open(device: string, filter: string, bufferBytes: number, buffer: Buffer): string;
  send(buffer: Buffer, length: number): void;
  on(event: "packet", listener: (bytes: number, truncated: boolean) => void): void;
}
const { Cap } = createRequire(import.meta.url)("cap") as { Cap: new () => Cap };

const [, , inside = "", outside = ""] = process.argv;
const sides = [inside, outside].map((name) => {
  const card = new Cap();
  const buffer = Buffer.alloc(65535);
  card.open(name, "", 10 * 1024 * 1024, buffer);
  return { card, buffer };
});
for (const [i, { card, buffer }] of sides.entries()) {
  const other = sides[1 - i]?.card;
  card.on("packet", (bytes) => other?.send(buffer, bytes));
}
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));
console.log("ready");
