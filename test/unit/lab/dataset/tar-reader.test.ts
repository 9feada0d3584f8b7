import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { tarFiles } from "../../../../src/lab/dataset/tar-reader.js";

/** Bytes in pieces of a length. */
async function* pieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield await Promise.resolve(bytes.subarray(at, at + length));
}

async function listed(bytes: Buffer, piece: number, read = true): Promise<[path: string, content: string][]> {
  const found: [string, string][] = [];
  for await (const { path, size, content } of tarFiles("t.tar", pieces(bytes, piece))) {
    const parts: Buffer[] = [];
    if (read) for await (const part of content) parts.push(part);
    found.push([path, read ? Buffer.concat(parts).toString() : String(size)]);
  }
  return found;
}

const LONG = `${"long/".repeat(30)}${"name".repeat(20)}`;

test("archives as tar writes them, in pieces of any length", async (t) => {
  const root = t.testdir();
  const files: Record<string, string> = {
    "a.txt": "alpha",
    empty: "",
    [LONG]: "x".repeat(513),
    "ü.txt": "y".repeat(1024),
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, "in", name, ".."), { recursive: true });
    writeFileSync(join(root, "in", name), text);
  }
  symlinkSync("a.txt", join(root, "in/link"));
  for (const format of ["gnu", "pax", "posix"]) {
    const archive = join(root, `${format}.tar`);
    execFileSync("tar", [`--format=${format}`, "-cf", archive, "-C", join(root, "in"), "."]);
    const bytes = readFileSync(archive);
    const expected = Object.fromEntries(Object.entries(files).map(([name, text]) => [`./${name}`, text]));
    for (const piece of [100, 512, 1 << 20])
      t.same(Object.fromEntries(await listed(bytes, piece)), expected, `${format}, ${piece}`);
    t.same((await listed(bytes, 4096, false)).length, 4, "files may be passed over unread");
    await t.rejects(listed(bytes.subarray(0, 700), 512), {
      code: "dataset-invalid",
      message: /reading the archive t\.tar: it is cut off/,
    });
    const spoilt = Buffer.from(bytes);
    spoilt.writeUInt8(spoilt.readUInt8(100) ^ 1, 100);
    await t.rejects(listed(spoilt, 512), { code: "dataset-invalid", message: /a header's checksum is wrong/ });
  }
  await t.rejects(listed(Buffer.from("no archive".repeat(100)), 512), { code: "dataset-invalid" });
});
