/**
 * Options as IPv4 (RFC 791, 3.1) and TCP (RFC 9293, 3.2) write them: one byte for end of list (0) and no-operation (1), else kind,
 * length of the whole option, data.
 */
export const END = 0;
export const NOP = 1;

/** The option behind the one at `option`, or -1 where the list ends or stops making sense. */
export function next(view: DataView, option: number, end: number): number {
  const length = lengthOf(view, option, end);
  return length === 0 || option + length >= end ? -1 : option + length;
}

/** The whole length of the option at `option`: 0 for the end of the list and for a length that cannot be. */
export function lengthOf(view: DataView, option: number, end: number): number {
  if (option >= end) return 0;
  const kind = view.getUint8(option);
  if (kind === END) return 0;
  if (kind === NOP) return 1;
  if (option + 2 > end) return 0;
  const length = view.getUint8(option + 1);
  return length < 2 || option + length > end ? 0 : length;
}

/** Where the first option of a kind starts between `from` and `end`, or -1. Whole options only. */
export function find(view: DataView, from: number, end: number, kind: number): number {
  for (let option = from; option < end;) {
    const length = lengthOf(view, option, end);
    if (length === 0) return -1;
    if (view.getUint8(option) === kind) return option;
    option += length;
  }
  return -1;
}
