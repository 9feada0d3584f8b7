// Run inside a network namespace by test/e2e/offload.test.ts: node offload-child.js STATE INTERFACE hold|recover|back
import { HushboxError } from "../../src/errors/hushbox-error.js";
import { Offloads } from "../../src/nic/offload.js";

const [, , state = "", name = "", action = ""] = process.argv;
try {
  const offloads = new Offloads(state);
  if (action === "recover") {
    console.log(JSON.stringify(offloads.recover()));
  } else {
    console.log(JSON.stringify(offloads.turnOff(name)));
    if (action === "back") offloads.putBack();
    else setInterval(() => undefined, 1000);
  }
} catch (error) {
  console.log(error instanceof HushboxError ? `${error.code}: ${error.message}` : String(error));
}
