import { Type } from 'typebox'

/*
 * Times as operators see them: ISO 8601 in UTC with milliseconds.
 */

export const Time = Type.String({ format: 'date-time', examples: ['2026-11-21T10:15:30.123Z'] })

export const times = <K extends string>(names: readonly K[]) =>
  Type.Object(
    Object.fromEntries(names.map(name => [name, Type.Optional(Time)])) as Record<
      K,
      ReturnType<typeof Type.Optional<typeof Time>>
    >
  )

export const isoTime = (ms: number): string => new Date(ms).toISOString()

export const iso = <K extends string>(at: Partial<Record<K, number>>): Partial<Record<K, string>> =>
  Object.fromEntries(
    Object.entries<number | undefined>(at).filter(([, ms]) => ms !== undefined).map((
      [name, ms]
    ) => [name, isoTime(ms!)])
  ) as Partial<Record<K, string>>
