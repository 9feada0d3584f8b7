// Bytes over TCP and back: node tcp-echo.js PORT serves; node tcp-echo.js PORT BYTES ADDRESS sends so many random bytes, has them
// back, and prints one line: {"same", "seconds"}.
import { createHash, randomBytes } from "node:crypto";
import { connect, createServer } from "node:net";

const [port = "", bytes, address = ""] = process.argv.slice(2);

if (bytes === undefined) {
  createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  }).listen(Number(port), "::", () => {
    console.log("ready");
  });
} else {
  const start = performance.now();
  const sent = randomBytes(Number(bytes));
  const hash = createHash("sha256");
  const socket = connect(Number(port), address);
  socket.on("data", (part) => hash.update(part));
  socket.on("close", () => {
    const same = hash.digest("hex") === createHash("sha256").update(sent).digest("hex");
    console.log(JSON.stringify({ same, seconds: (performance.now() - start) / 1000 }));
  });
  socket.end(sent);
}
