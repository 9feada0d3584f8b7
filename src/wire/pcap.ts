/** Bytes of the header of a pcap file and of the one before each record (draft-ietf-opsawg-pcap, 4 and 5). */
export const FILE_HEADER = 24;
export const RECORD_HEADER = 16;

/** The first four bytes of a file, read in the file's own byte order: fractions of seconds are microseconds or nanoseconds. */
export const MAGIC_MICROS = 0xa1b2_c3d4;
export const MAGIC_NANOS = 0xa1b2_3c4d;

export const ETHERNET = 1;

/** No record of the link types that are read here is longer; a larger length is damage (libpcap's limit too). */
export const LARGEST_RECORD = 262_144;

export function magic(view: DataView, at: number, little: boolean): number {
  return view.getUint32(at, little);
}

export function majorVersion(view: DataView, at: number, little: boolean): number {
  return view.getUint16(at + 4, little);
}

export function minorVersion(view: DataView, at: number, little: boolean): number {
  return view.getUint16(at + 6, little);
}

export function linkType(view: DataView, at: number, little: boolean): number {
  return view.getUint32(at + 20, little) & 0xffff;
}

/** Bytes of frame check sequence at the end of each frame, where the file says so: bit 26 is set, the top four bits count 16-bit words. */
export function checkSequence(view: DataView, at: number, little: boolean): number {
  const field = view.getUint32(at + 20, little);
  return (field & 0x0400_0000) === 0 ? 0 : (field >>> 28) * 2;
}

export function recordSeconds(view: DataView, at: number, little: boolean): number {
  return view.getUint32(at, little);
}

/** Microseconds or nanoseconds, as the file's magic says. */
export function recordFraction(view: DataView, at: number, little: boolean): number {
  return view.getUint32(at + 4, little);
}

/** Bytes of the frame that are in the file. */
export function recordLength(view: DataView, at: number, little: boolean): number {
  return view.getUint32(at + 8, little);
}

/** Bytes that the frame had on the wire. */
export function recordOriginalLength(view: DataView, at: number, little: boolean): number {
  return view.getUint32(at + 12, little);
}

/** Writes a file header: little-endian, nanoseconds, version 2.4. */
export function setFileHeader(view: DataView, at: number, link: number): void {
  view.setUint32(at, MAGIC_NANOS, true);
  view.setUint16(at + 4, 2, true);
  view.setUint16(at + 6, 4, true);
  view.setUint32(at + 8, 0, true);
  view.setUint32(at + 12, 0, true);
  view.setUint32(at + 16, LARGEST_RECORD, true);
  view.setUint32(at + 20, link, true);
}

/** Writes a record's header for such a file; `micros` is epoch time. */
export function setRecordHeader(
  view: DataView,
  at: number,
  micros: number,
  length: number,
  originalLength: number,
): void {
  let seconds = Math.floor(micros / 1e6);
  let nanos = Math.round((micros - seconds * 1e6) * 1e3);
  if (nanos === 1e9) {
    seconds++;
    nanos = 0;
  }
  view.setUint32(at, seconds, true);
  view.setUint32(at + 4, nanos, true);
  view.setUint32(at + 8, length, true);
  view.setUint32(at + 12, originalLength, true);
}

/** A link type as a person knows it (IANA "PCAP Link-Layer Header Types"). */
export function linkTypeName(link: number): string {
  return LINK_TYPES.get(link) ?? "unknown";
}

const LINK_TYPES = new Map([
  [0, "BSD loopback"],
  [1, "Ethernet"],
  [9, "PPP"],
  [12, "raw IP"],
  [50, "PPP in HDLC-like framing"],
  [51, "PPPoE"],
  [101, "raw IP"],
  [104, "Cisco HDLC"],
  [105, "IEEE 802.11"],
  [108, "OpenBSD loopback"],
  [113, "Linux cooked capture, as by -i any"],
  [119, "IEEE 802.11 with Prism header"],
  [127, "IEEE 802.11 with radiotap header"],
  [147, "reserved for private use"],
  [189, "USB"],
  [220, "USB"],
  [228, "raw IPv4"],
  [229, "raw IPv6"],
  [239, "netfilter log"],
  [276, "Linux cooked capture v2, as by -i any"],
]);
