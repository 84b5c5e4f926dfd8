import { systemClock, type Clock } from '../../clock.ts'
import type { RoutesSource } from '../routes.ts'
import { fixedSource, settingsTable } from '../settings-table.ts'
import { readRoutes, type ReadRoutes, type RoutesContext } from './read-routes.ts'
import { readRoutesText } from './read-text.ts'

/** The routes of a command, which reads the file once. Where the file has errors, the settings alone are in force. */
export async function readOnce (
  file: string | undefined,
  secretOf: (name: string) => string | undefined,
  clock: Clock = systemClock
): Promise<RoutesSource> {
  if (file === undefined) return fixedSource(settingsTable, clock.now())
  const { table = settingsTable, problems } = await readFile(file, { secretOf })
  return { table, readAt: clock.now(), file, problems }
}

async function readFile (file: string, context: RoutesContext): Promise<ReadRoutes> {
  const found = await readRoutesText(file)
  return 'problem' in found ? { problems: [found.problem] } : readRoutes(found.text, context)
}
