import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, tool } from "./command.js";

/** A key and a certificate that signs itself, made anew with openssl: no key lies in the repository. */
export async function selfSigned(name: string): Promise<{ key: Buffer; cert: Buffer }> {
  const folder = await mkdtemp(join(tmpdir(), "hushbox-cloud-"));
  const key = join(folder, "key.pem");
  const cert = join(folder, "cert.pem");
  try {
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const args = ["req", "-x509", ...curve, "-days", "2", "-subj", `/CN=${name}`, "-keyout", key, "-out", cert];
    await must("making the cloud's certificate", tool("openssl"), args);
    return { key: await readFile(key), cert: await readFile(cert) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
