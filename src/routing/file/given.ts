/** Only what is there: a key without a value differs from a missing key. */
export const given = <T extends Record<string, unknown>>(values: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as
    { [K in keyof T]?: NonNullable<T[K]> }
