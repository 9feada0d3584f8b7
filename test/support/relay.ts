// Passes what comes over a unix socket on to a port of this namespace's loopback: node relay.js SOCKET PORT
import { connect, createServer } from "node:net";

const [path = "", port = ""] = process.argv.slice(2);

createServer({ allowHalfOpen: true }, (socket) => {
  const inner = connect({ host: "127.0.0.1", port: Number(port), allowHalfOpen: true });
  socket.pipe(inner).pipe(socket);
  socket.on("error", () => inner.destroy());
  inner.on("error", () => socket.destroy());
}).listen(path, () => {
  console.log("ready");
});
