/** Classic BPF, as the kernel's SO_ATTACH_FILTER takes it: 8 bytes an instruction (linux/filter.h, struct sock_filter). */

const LD_W = 0x20; // A = 32-bit word at k
const LD_H = 0x28; // A = 16-bit word at k
const LD_B = 0x30; // A = byte at k
const JEQ = 0x15;
const JSET = 0x45;
const RET = 0x06;

/** One symbolic step: the jump targets are labels, resolved when the program is packed. */
interface Step {
  readonly label?: string;
  readonly code: number;
  readonly k: number;
  readonly yes?: string;
  readonly no?: string;
}

function pack(steps: readonly Step[]): Uint8Array {
  const places = new Map<string, number>();
  steps.forEach((step, i) => {
    if (step.label !== undefined) places.set(step.label, i);
  });
  const bytes = new Uint8Array(steps.length * 8);
  const view = new DataView(bytes.buffer);
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  steps.forEach((step, i) => {
    const jump = (label: string | undefined): number => (label === undefined ? 0 : (places.get(label) ?? 0) - i - 1);
    view.setUint16(i * 8, step.code, little);
    view.setUint8(i * 8 + 2, jump(step.yes));
    view.setUint8(i * 8 + 3, jump(step.no));
    view.setUint32(i * 8 + 4, step.k >>> 0, little);
  });
  return bytes;
}

/** Steps that go to `hit` when the 48-bit address at `offset` is one of `macs`, and to `miss`, the step behind them, otherwise. */
function match(
  macs: readonly number[],
  offset: number,
  hit: string,
  prefix: string,
  miss = `${prefix}${String(macs.length)}`,
): Step[] {
  return macs.flatMap((mac, i): Step[] => {
    const next = i + 1 < macs.length ? `${prefix}${String(i + 1)}` : miss;
    return [
      { label: `${prefix}${String(i)}`, code: LD_W, k: offset + 2 },
      { code: JEQ, k: mac % 0x1_0000_0000, no: next },
      { code: LD_H, k: offset },
      { code: JEQ, k: Math.floor(mac / 0x1_0000_0000), yes: hit, no: next },
    ];
  });
}

/** Most devices that a filter has room for: 2 * 4 instructions each, jumps of one byte. */
export const MAX_DEVICES = 24;

/** Passes frames whose source is one of the devices. `macs` are 48-bit numbers. */
export function fromDevices(macs: readonly number[]): Uint8Array {
  return pack([
    ...match(macs, 6, "pass", "s"),
    { label: `s${String(macs.length)}`, code: RET, k: 0 },
    { label: "pass", code: RET, k: 0x40000 },
  ]);
}

/** Passes frames whose source is one of the devices, and those to one of them alone. */
export function fromOrToDevices(macs: readonly number[]): Uint8Array {
  return pack([
    ...match(macs, 6, "pass", "s", "d0"),
    ...match(macs, 0, "pass", "d"),
    { label: `d${String(macs.length)}`, code: RET, k: 0 },
    { label: "pass", code: RET, k: 0x40000 },
  ]);
}

/**
 * Passes frames to one of the devices and, with `groups`, group-addressed frames that no device sent itself (its own multicast, come back over a
 * switch).
 */
export function toDevices(macs: readonly number[], groups = true): Uint8Array {
  if (!groups)
    return pack([
      ...match(macs, 0, "pass", "d"),
      { label: `d${String(macs.length)}`, code: RET, k: 0 },
      { label: "pass", code: RET, k: 0x40000 },
    ]);
  return pack([
    ...match(macs, 0, "pass", "d"),
    { label: `d${String(macs.length)}`, code: LD_B, k: 0 },
    { code: JSET, k: 1, no: "drop" },
    ...match(macs, 6, "drop", "s"),
    { label: `s${String(macs.length)}`, code: RET, k: 0x40000 },
    { label: "drop", code: RET, k: 0 },
    { label: "pass", code: RET, k: 0x40000 },
  ]);
}
