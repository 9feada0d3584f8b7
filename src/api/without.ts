/** An object without one of its keys. */
export function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const rest = { ...value };
  Reflect.deleteProperty(rest, key);
  return rest;
}
