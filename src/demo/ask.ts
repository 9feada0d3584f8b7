import { get } from "node:http";

/** Milliseconds that an answer may take. */
const PATIENCE = 5_000;

/** What an HTTP server answered. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Asks an HTTP server on a connection of its own, so that one that broke says nothing about the next. */
export function ask(url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(PATIENCE) }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.once("end", () => {
        resolve({ status: response.statusCode ?? 0, text });
      });
      response.once("error", reject);
    });
    request.once("error", reject);
  });
}
