import { test } from "tap";
import * as ipv4 from "../../../src/wire/ipv4.js";
import { writeIpv4Header } from "../../../src/wire/ipv4-header.js";
import { NO_NEXT_HEADER, UDP } from "../../../src/wire/protocol.js";

const HOME = 0xc0a80001;
const OTHER = 0xc0a800c7;

/** The header in hexadecimal, written over bytes that somebody else has left. */
function written(write: (view: DataView) => void): string {
  const bytes = new Uint8Array(2 + ipv4.HEADER + 2).fill(0xee);
  write(new DataView(bytes.buffer));
  const text = Buffer.from(bytes).toString("hex");
  if (!text.startsWith("eeee") || !text.endsWith("eeee")) throw new Error(`more than the header was written: ${text}`);
  return text.slice(4, -4);
}

test("a header, to the bit", (t) => {
  t.equal(
    written((view) => {
      writeIpv4Header(view, 2, 115, UDP, 64, HOME, OTHER);
    }),
    "45000073000040004011b861c0a80001c0a800c7",
  );
  t.equal(
    written((view) => {
      writeIpv4Header(view, 2, 1500, NO_NEXT_HEADER, 1, 0xffffffff, 0, 0xabcd, false);
      t.ok(ipv4.checksumValid(view, 2) && ipv4.fits(view, 2, 22));
    }),
    "450005dcabcd0000013b081bffffffff00000000",
  );
  t.end();
});
