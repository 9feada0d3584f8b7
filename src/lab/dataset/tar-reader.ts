import { HushboxError } from "../../errors/hushbox-error.js";

const BLOCK = 512;
const LONGEST_NAME = 64 << 10;

/** A file of an archive. `content` is to be read, if at all, before the next file is asked for. */
export interface TarFile {
  readonly path: string;
  readonly size: number;
  readonly content: AsyncIterable<Buffer>;
}

/**
 * The regular files of a tar archive, in its order, in constant memory. Reads the ustar form, pax paths and sizes (POSIX.1-2008, pax, "ustar
 * Interchange Format" and "pax Header Block") and GNU's long names. Throws `dataset-invalid` where the archive is cut off or damaged.
 */
export async function* tarFiles(name: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<TarFile> {
  const source = new Source(name, bytes);
  try {
    let pax: ReadonlyMap<string, string> = new Map();
    let longName: string | null = null;
    for (;;) {
      const header = await source.exactly(BLOCK);
      if (header.every((byte) => byte === 0)) return;
      if (checksum(header) !== octal(header, 148, 8)) throw source.damaged("a header's checksum is wrong");
      const kind = String.fromCharCode(header[156] ?? 0);
      const size = Number(pax.get("size") ?? octal(header, 124, 12));
      if (!Number.isSafeInteger(size) || size < 0) throw source.damaged("a file's size cannot be read");
      if (kind === "x" || kind === "L") {
        if (size > LONGEST_NAME) throw source.damaged("a header is too long");
        const text = await source.exactly(size);
        if (kind === "x") pax = records(text);
        else longName = upToZero(text);
        await source.skip(-size & (BLOCK - 1));
        continue;
      }
      const left = { bytes: size };
      if (kind === "0" || kind === "\0") {
        const path = pax.get("path") ?? longName ?? ustarPath(header);
        yield { path, size, content: source.upTo(left) };
      }
      await source.skip(left.bytes + (-size & (BLOCK - 1)));
      pax = new Map();
      longName = null;
    }
  } finally {
    await source.close();
  }
}

/** A header's sum with its own field taken for spaces. */
function checksum(header: Buffer): number {
  let sum = 0;
  header.forEach((byte, i) => (sum += i >= 148 && i < 156 ? 32 : byte));
  return sum;
}

function octal(header: Buffer, at: number, length: number): number {
  const text = upToZero(header.subarray(at, at + length)).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : NaN;
}

function ustarPath(header: Buffer): string {
  const own = upToZero(header.subarray(0, 100));
  const prefix = header.toString("latin1", 257, 262) === "ustar" ? upToZero(header.subarray(345, 500)) : "";
  return prefix === "" ? own : `${prefix}/${own}`;
}

function upToZero(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end === -1 ? bytes.length : end);
}

/** `LENGTH KEY=VALUE\n` each. */
function records(text: Buffer): Map<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < text.length;) {
    const length = Number.parseInt(text.toString("latin1", at, at + 20), 10);
    if (!(length > 0)) break;
    const [, key = "", value = ""] = /^\d+ ([^=]*)=([^]*)\n$/.exec(text.toString("utf8", at, at + length)) ?? [];
    found.set(key, value);
    at += length;
  }
  return found;
}

/** Bytes that come in pieces, taken in pieces of other lengths. */
class Source {
  readonly #name: string;
  readonly #from: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(name: string, bytes: AsyncIterable<Buffer>) {
    this.#name = name;
    this.#from = bytes[Symbol.asyncIterator]();
  }

  async exactly(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0;) {
      const part = await this.#some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) left -= (await this.#some(left)).length;
  }

  /** What is left of a file; counts down what was taken. */
  async *upTo(left: { bytes: number }): AsyncGenerator<Buffer> {
    while (left.bytes > 0) {
      const part = await this.#some(left.bytes);
      left.bytes -= part.length;
      yield part;
    }
  }

  async close(): Promise<void> {
    await this.#from.return?.();
  }

  damaged(what: string): HushboxError {
    return new HushboxError("dataset-invalid", `reading the archive ${this.#name}: ${what}`);
  }

  async #some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const step = await this.#from.next();
      if (step.done === true) throw this.damaged("it is cut off");
      this.#rest = step.value;
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }
}
