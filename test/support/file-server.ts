// One file over HTTPS: node file-server.js PORT FILE KEY CERTIFICATE. GET answers with the file, PUT with the SHA-256 of what was put.
import { createHash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer } from "node:https";
import { pipeline } from "node:stream";

const [port = "", file = "", key = "", certificate = ""] = process.argv.slice(2);

createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (asked, answer) => {
  if (asked.method === "PUT") {
    const hash = createHash("sha256");
    asked.on("data", (part: Buffer) => hash.update(part));
    asked.on("end", () => answer.end(hash.digest("hex")));
    return;
  }
  answer.setHeader("Content-Length", statSync(file).size);
  pipeline(createReadStream(file), answer, () => undefined);
}).listen(Number(port), "::", () => {
  console.log("ready");
});
