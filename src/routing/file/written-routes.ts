import { parse } from 'yaml'
import type { RoutesView } from '../../routes-schemas.ts'
import type { RoutesSource } from '../routes.ts'

/** The routes in force as their file writes them. Without a file there are only names. */
export function writtenRoutes ({ text, table }: Pick<RoutesSource, 'text' | 'table'>): RoutesView['routes'] {
  if (text === undefined) return table.names.map(name => ({ name }))

  // The text was read before, so it is known to be sound.
  const document = parse(text, { maxAliasCount: -1, logLevel: 'silent' }) as { routes?: RoutesView['routes'] } | null
  return document?.routes ?? []
}
