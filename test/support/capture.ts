/** Captures made byte by byte, for tests of their readers. */

export interface PcapShape {
  readonly little?: boolean;
  readonly nanos?: boolean;
  readonly linkType?: number;
  readonly minor?: number;
  /** [seconds, fraction, bytes, original length] of each record. */
  readonly records?: readonly (readonly [number, number, Uint8Array, number?])[];
}

/** A pcap file. */
export function pcapFile(shape: PcapShape = {}): Uint8Array {
  const { little = true, nanos = false, linkType = 1, minor = 4, records = [] } = shape;
  const parts = [
    words(little, nanos ? 0xa1b23c4d : 0xa1b2c3d4),
    halves(little, 2, minor),
    words(little, 0, 0, 65535, linkType),
  ];
  for (const [seconds, fraction, bytes, original = bytes.length] of records) {
    parts.push(words(little, seconds, fraction, bytes.length, original), bytes);
  }
  return join(parts);
}

/** A pcapng block of a type around a body. */
export function block(little: boolean, type: number, body: Uint8Array): Uint8Array {
  const padded = join([body, new Uint8Array((4 - (body.length % 4)) % 4)]);
  return join([words(little, type, padded.length + 12), padded, words(little, padded.length + 12)]);
}

export function section(little: boolean): Uint8Array {
  return block(
    little,
    0x0a0d0d0a,
    join([words(little, 0x1a2b3c4d), halves(little, 1, 0), words(little, 0xffffffff, 0xffffffff)]),
  );
}

export function interfaceBlock(
  little: boolean,
  linkType: number,
  options: readonly (readonly [number, Uint8Array])[] = [],
  snapLength = 0,
): Uint8Array {
  const written = options.map(([code, value]) =>
    join([halves(little, code, value.length), value, new Uint8Array((4 - (value.length % 4)) % 4)]),
  );
  return block(
    little,
    1,
    join([halves(little, linkType, 0), words(little, snapLength), ...written, halves(little, 0, 0)]),
  );
}

export function enhanced(
  little: boolean,
  id: number,
  ticks: bigint,
  bytes: Uint8Array,
  original = bytes.length,
): Uint8Array {
  const high = Number(ticks >> 32n);
  const low = Number(ticks & 0xffffffffn);
  return block(little, 6, join([words(little, id, high, low, bytes.length, original), bytes]));
}

export function words(little: boolean, ...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, i) => {
    view.setUint32(i * 4, value, little);
  });
  return new Uint8Array(view.buffer);
}

export function halves(little: boolean, ...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 2));
  values.forEach((value, i) => {
    view.setUint16(i * 2, value, little);
  });
  return new Uint8Array(view.buffer);
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
