/** Bytes of the Ethernet II header: destination, source, EtherType. */
export const HEADER = 14;
/** Bytes of one 802.1Q tag: TPID and TCI; the EtherType moves behind it. */
export const TAG = 4;
/** Smallest frame on a wire, without frame check sequence (IEEE 802.3, 4.4.2). */
export const MINIMUM = 60;
/** Values below this in the EtherType's place are an 802.3 length. */
export const FIRST_ETHERTYPE = 0x0600;

export const IPV4 = 0x0800;
export const ARP = 0x0806;
export const VLAN = 0x8100;
export const IPV6 = 0x86dd;
export const PPPOE = 0x8864;
export const EAPOL = 0x888e;
export const VLAN_SERVICE = 0x88a8;
export const LLDP = 0x88cc;
/** Set aside for experiments inside one organisation (IEEE 802, local experimental EtherType 1). */
export const LOCAL_EXPERIMENTAL = 0x88b5;

/** ff:ff:ff:ff:ff:ff */
export const BROADCAST = 0xffff_ffff_ffff;

const TWO_TO_32 = 0x1_0000_0000;

/** True where a whole header lies before `end`. */
export function fits(at: number, end: number): boolean {
  return at + HEADER <= end;
}

/** Any MAC address as a 48-bit number. */
export function mac(view: DataView, at: number): number {
  return view.getUint16(at) * TWO_TO_32 + view.getUint32(at + 2);
}

export function setMac(view: DataView, at: number, value: number): void {
  view.setUint16(at, Math.floor(value / TWO_TO_32));
  view.setUint32(at + 2, value % TWO_TO_32);
}

export function destination(view: DataView, at: number): number {
  return mac(view, at);
}

export function setDestination(view: DataView, at: number, value: number): void {
  setMac(view, at, value);
}

export function source(view: DataView, at: number): number {
  return mac(view, at + 6);
}

export function setSource(view: DataView, at: number, value: number): void {
  setMac(view, at + 6, value);
}

/** What stands behind the addresses: an EtherType, a tag's TPID, or an 802.3 length. */
export function type(view: DataView, at: number): number {
  return view.getUint16(at + 12);
}

export function setType(view: DataView, at: number, value: number): void {
  view.setUint16(at + 12, value);
}

/** True for a TPID of IEEE 802.1Q: customer or service tag. */
export function isTag(etherType: number): boolean {
  return etherType === VLAN || etherType === VLAN_SERVICE;
}

/** The VLAN identifier of a tag; `at` is where its TPID stands. */
export function vlan(view: DataView, at: number): number {
  return view.getUint16(at + 2) & 0x0fff;
}

/** True for multicast and broadcast: the lowest bit of the first byte (IEEE 802, 8.2.2). */
export function isGroup(address: number): boolean {
  return (Math.floor(address / 0x100_0000_0000) & 1) === 1;
}

/** Reads `aa:bb:cc:dd:ee:ff` (also with `-`); null where it is none. */
export function parseMac(text: string): number | null {
  if (!/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/.test(text)) return null;
  return Number.parseInt(text.replace(/[:-]/g, ""), 16);
}

/** `aa:bb:cc:dd:ee:ff`, lower case. */
export function formatMac(address: number): string {
  return address
    .toString(16)
    .padStart(12, "0")
    .replace(/..(?!$)/g, "$&:");
}
