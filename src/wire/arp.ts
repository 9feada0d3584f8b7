import { mac, setMac } from "./ethernet.js";

/** Bytes of an ARP packet for Ethernet and IPv4 (RFC 826). */
export const LENGTH = 28;

export const REQUEST = 1;
export const REPLY = 2;

/** True where the packet lies before `end` and is for Ethernet and IPv4. */
export function fits(view: DataView, at: number, end: number): boolean {
  return (
    at + LENGTH <= end &&
    view.getUint16(at) === 1 &&
    view.getUint16(at + 2) === 0x0800 &&
    view.getUint8(at + 4) === 6 &&
    view.getUint8(at + 5) === 4
  );
}

/** Writes the part that is the same in every packet: Ethernet, IPv4, and their address lengths. */
export function setUp(view: DataView, at: number): void {
  view.setUint16(at, 1);
  view.setUint16(at + 2, 0x0800);
  view.setUint8(at + 4, 6);
  view.setUint8(at + 5, 4);
}

export function operation(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function setOperation(view: DataView, at: number, value: number): void {
  view.setUint16(at + 6, value);
}

export function senderMac(view: DataView, at: number): number {
  return mac(view, at + 8);
}

export function setSenderMac(view: DataView, at: number, value: number): void {
  setMac(view, at + 8, value);
}

export function senderAddress(view: DataView, at: number): number {
  return view.getUint32(at + 14);
}

export function setSenderAddress(view: DataView, at: number, value: number): void {
  view.setUint32(at + 14, value);
}

export function targetMac(view: DataView, at: number): number {
  return mac(view, at + 18);
}

export function setTargetMac(view: DataView, at: number, value: number): void {
  setMac(view, at + 18, value);
}

export function targetAddress(view: DataView, at: number): number {
  return view.getUint32(at + 24);
}

export function setTargetAddress(view: DataView, at: number, value: number): void {
  view.setUint32(at + 24, value);
}
