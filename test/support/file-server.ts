// One file over HTTPS: node file-server.js PORT FILE KEY CERTIFICATE [h2]. GET answers with the file, but / with an empty page; PUT and POST with
// the SHA-256 of what was sent. With h2, HTTP/2 for who knows it.
import { createHash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer } from "node:https";
import { pipeline } from "node:stream";

const [port = "", file = "", key = "", certificate = "", version = ""] = process.argv.slice(2);

function serve(asked: IncomingMessage | Http2ServerRequest, answer: ServerResponse | Http2ServerResponse): void {
  if (asked.method === "PUT" || asked.method === "POST") {
    const hash = createHash("sha256");
    asked.on("data", (part: Buffer) => hash.update(part));
    asked.on("end", () => answer.end(hash.digest("hex")));
    return;
  }
  if (asked.url === "/") {
    answer.setHeader("Content-Type", "text/html");
    answer.end("<!doctype html><link rel=icon href=data:,>");
    return;
  }
  answer.setHeader("Content-Length", statSync(file).size);
  pipeline(createReadStream(file), answer, () => undefined);
}

const secrets = { key: readFileSync(key), cert: readFileSync(certificate) };
const server =
  version === "h2" ? createSecureServer({ ...secrets, allowHTTP1: true }, serve) : createServer(secrets, serve);
server.listen(Number(port), "::", () => {
  console.log("ready");
});
