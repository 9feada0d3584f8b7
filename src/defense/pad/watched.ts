import { WATCHED_NAMES, type WatchedName } from "../options.js";

/** The place of a name in WATCHED_NAMES: what is asked for each packet is not looked up for each. */
export type Watched = number & { readonly watched: never };

/** Every one by its name. */
export const WATCHED = Object.fromEntries(WATCHED_NAMES.map((name, i) => [name, i])) as Readonly<
  Record<WatchedName, Watched>
>;
