/** Frame types used (RFC 9000, section 19). */
const PADDING = 0x00;
const PING = 0x01;
const ACK = 0x02;
const STREAM = 0x08;
const CONNECTION_CLOSE = 0x1c;
const HANDSHAKE_DONE = 0x1e;

export type Frame =
  | { type: "ping" }
  | { type: "done" }
  | { type: "close" }
  /** Packet numbers from high to low, each range inclusive. */
  | { type: "ack"; ranges: [low: number, high: number][] }
  | { type: "stream"; offset: number; data: Buffer; end: boolean };

/** A variable-length integer (RFC 9000, section 16), up to 2^30 - 1. */
function integer(value: number): Buffer {
  if (value < 0x40) return Buffer.from([value]);
  const bytes = Buffer.alloc(value < 0x4000 ? 2 : 4);
  if (bytes.length === 2) bytes.writeUInt16BE(0x4000 | value);
  else bytes.writeUInt32BE(0x8000_0000 + value);
  return bytes;
}

/** Bytes of a frame. */
export function frameBytes(frame: Frame): Buffer {
  switch (frame.type) {
    case "ping":
      // Three bytes of padding: the sample of header protection needs four bytes behind the number's place.
      return Buffer.from([PING, PADDING, PADDING, PADDING]);
    case "done":
      return Buffer.from([HANDSHAKE_DONE, PADDING, PADDING, PADDING]);
    case "close":
      return Buffer.from([CONNECTION_CLOSE, 0, 0, 0]);
    case "ack":
      return acknowledgement(frame.ranges);
    case "stream":
      return Buffer.concat([
        // Offset and length present, stream 0.
        Buffer.from([STREAM | 0x06 | (frame.end ? 1 : 0), 0]),
        integer(frame.offset),
        integer(frame.data.length),
        frame.data,
      ]);
  }
}

function acknowledgement(ranges: [number, number][]): Buffer {
  const [[low, high] = [0, 0], ...more] = ranges;
  const parts = [integer(ACK), integer(high), integer(0), integer(more.length), integer(high - low)];
  let smallest = low;
  for (const [nextLow, nextHigh] of more) {
    parts.push(integer(smallest - nextHigh - 2), integer(nextHigh - nextLow));
    smallest = nextLow;
  }
  return Buffer.concat(parts);
}

/** Reads the frames of a packet; null where they are not what this emulator writes. */
export function readFrames(plain: Buffer): Frame[] | null {
  const frames: Frame[] = [];
  let at = 0;
  const byte = (): number => (at < plain.length ? plain.readUInt8(at++) : NaN);
  const next = (): number => {
    const first = byte();
    const bytes = first >> 6;
    if (bytes === 0) return first;
    if (bytes === 1) return ((first & 0x3f) << 8) | byte();
    if (bytes === 2) return ((first & 0x3f) << 24) | (byte() << 16) | (byte() << 8) | byte();
    return NaN;
  };
  while (at < plain.length) {
    const type = byte();
    if (type === PADDING) continue;
    if (type === PING) frames.push({ type: "ping" });
    else if (type === HANDSHAKE_DONE) frames.push({ type: "done" });
    else if (type === CONNECTION_CLOSE) {
      at += 3;
      frames.push({ type: "close" });
    } else if (type === ACK) {
      const high = next();
      next();
      const more = next();
      let low = high - next();
      const ranges: [number, number][] = [[low, high]];
      for (let i = 0; i < more && at < plain.length; i++) {
        const nextHigh = low - next() - 2;
        low = nextHigh - next();
        ranges.push([low, nextHigh]);
      }
      frames.push({ type: "ack", ranges });
    } else if ((type & 0xfe) === (STREAM | 0x06)) {
      next();
      const offset = next();
      const length = next();
      if (!(at + length <= plain.length)) return null;
      frames.push({ type: "stream", offset, data: plain.subarray(at, at + length), end: (type & 1) === 1 });
      at += length;
    } else return null;
  }
  return frames;
}
