// The relay's end inside a namespace: `node relay-end.js SOCKET PORT` passes what comes over a unix socket, which namespaces of
// networks do not part, on to a port of this namespace's loopback.
import { connect, createServer } from "node:net";
import { pipe } from "./pipe.js";

const [path = "", port = ""] = process.argv.slice(2);

createServer({ allowHalfOpen: true }, (socket) => {
  pipe(socket, connect({ host: "127.0.0.1", port: Number(port), allowHalfOpen: true }));
}).listen(path, () => {
  process.stdout.write("listening\n");
});
