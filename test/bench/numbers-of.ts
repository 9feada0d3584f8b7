import { parseArgs } from "node:util";
import { messageOf } from "../../src/errors/message-of.js";

/**
 * Whole numbers from 1 on that a bench is given by options of these names, or their defaults. `--help` prints `help` and ends the process; so
 * does, with status 2, what is not understood.
 */
export function numbersOf<Name extends string>(
  help: string,
  defaults: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const names = Object.keys(defaults) as Name[];
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: "boolean", short: "h" } } });
    if (values["help"] === true) {
      console.log(help);
      process.exit(0);
    }
    const given = names.map((name) => {
      const text = (values as Record<string, string | undefined>)[name] ?? String(defaults[name]);
      if (!/^[1-9][0-9]{0,5}$/.test(text))
        throw new TypeError(`--${name} takes a whole number from 1 on, not "${text}"`);
      return [name, Number(text)] as const;
    });
    return Object.fromEntries(given) as Record<Name, number>;
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${help}`);
    process.exit(2);
  }
}
