/** What a host's stack has counted that it should not have had to. */
export interface KernelCounts {
  readonly dsacks: number;
  readonly retransmits: number;
  readonly outOfWindowIcmps: number;
  /** ICMP and ICMPv6 errors received. */
  readonly icmpErrors: number;
  /** Without those of a full buffer. */
  readonly udpErrors: number;
  /** Receptions with a bad checksum, of any protocol. */
  readonly badChecksums: number;
  readonly resets: number;
}

/** To be read in the host's namespace. */
export const READ_COUNTS = "cat /proc/net/netstat /proc/net/snmp /proc/net/snmp6";

/** Reads what READ_COUNTS printed: pairs of lines with names and values, and of IPv6 a name and a value a line. */
export function kernelCounts(text: string): KernelCounts {
  const values = new Map<string, number>();
  const lines = text.split("\n");
  lines.forEach((line, i) => {
    const [, prefix, names] = /^(\w+): ([A-Za-z].*)$/.exec(line) ?? [];
    const found = lines[i + 1]?.split(" ").slice(1);
    if (names !== undefined) names.split(" ").forEach((name, j) => values.set(`${prefix}.${name}`, Number(found?.[j])));
    const [, six, value] = /^(\w+6\w+)\s+(\d+)$/.exec(line) ?? [];
    if (six !== undefined) values.set(six, Number(value));
  });
  const sum = (...names: string[]): number => names.reduce((total, name) => total + (values.get(name) ?? 0), 0);
  return {
    dsacks: sum("TcpExt.TCPDSACKRecv", "TcpExt.TCPDSACKOfoRecv"),
    retransmits: sum("Tcp.RetransSegs"),
    outOfWindowIcmps: sum("TcpExt.OutOfWindowIcmps"),
    icmpErrors: sum(
      ...["Icmp.InDestUnreachs", "Icmp.InTimeExcds", "Icmp.InParmProbs"],
      ...["Icmp6InDestUnreachs", "Icmp6InPktTooBigs", "Icmp6InTimeExcds", "Icmp6InParmProblems"],
    ),
    // Among the errors are those of a full buffer, which a program that has no processor for a moment does not read: here, a browser.
    udpErrors:
      sum("Udp.InErrors", "Udp.InCsumErrors", "Udp6InErrors", "Udp6InCsumErrors") -
      sum("Udp.RcvbufErrors", "Udp6RcvbufErrors"),
    badChecksums: sum("Tcp.InCsumErrors", "Icmp.InCsumErrors", "Icmp6InCsumErrors"),
    resets: sum("Tcp.EstabResets"),
  };
}

/** What was counted between two readings. */
export function since(before: KernelCounts, after: KernelCounts): KernelCounts {
  const names = Object.keys(after) as (keyof KernelCounts)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as unknown as KernelCounts;
}
