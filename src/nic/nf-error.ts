import { getSystemErrorName } from "node:util";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Answer } from "./netlink.js";

const EPERM = 1;
const ENOENT = 2;
const EEXIST = 17;
const EOPNOTSUPP = 95;
const EAFNOSUPPORT = 97;

/** True where a table of that name is there already, perhaps another's. */
export function taken({ errno }: Answer): boolean {
  return errno === EEXIST || errno === EPERM;
}

/** Why nf_tables did not take a transaction, and what to do about it. `isThere`: a table of that name. */
export function refusal(doing: string, table: string, answer: Answer, isThere: () => boolean): HushboxError {
  const { errno } = answer;
  if (errno === EEXIST || (errno === EPERM && isThere()))
    return new HushboxError(
      "take-over",
      `${doing}: there is a table of that name already, of another hushbox or of somebody else: stop that, or \`nft delete table bridge ${table}\``,
    );
  if (errno === EPERM)
    return new HushboxError(
      "permission",
      `${doing}: this needs CAP_NET_ADMIN (run as root, or by systemd/hushbox.service)`,
    );
  if (errno === ENOENT || errno === EAFNOSUPPORT || errno === EOPNOTSUPP)
    return new HushboxError(
      "take-over",
      `${doing}: this kernel has no nftables for bridges, or none that belongs to a process (Linux 5.12 with CONFIG_NF_TABLES_BRIDGE): \`modprobe nf_tables\`, install the kernel's modules, or join inside and outside by no bridge`,
    );
  const name = errno > 0 ? getSystemErrorName(-errno) : String(errno);
  return new HushboxError("take-over", `${doing}: the kernel answers ${name}`);
}
