import type { FastifyBaseLogger } from 'fastify'
import { isError, withoutNumbers } from './routing/file/problems.ts'
import type { RoutesProblem, RoutesSource } from './routing/routes.ts'
import type { ReadOutcome } from './routing/file/source.ts'
import { POLL_MS, type Watching } from './routing/file/watch-file.ts'

/** Logs how a routes file is read and followed. No line has a phone number: the file and its line are enough. */
export function createRoutesLog (log: FastifyBaseLogger) {
  const problems = (found: readonly RoutesProblem[]) => {
    for (const { severity, line, column, path, message } of found) {
      const fields = { line, column, path, problem: withoutNumbers(message) }
      if (severity === 'error') log.error(fields, 'problem in the routes file')
      else log.warn(fields, 'problem in the routes file')
    }
  }

  return {
    read (outcome: ReadOutcome, source: RoutesSource): void {
      const { file, table } = source
      if (outcome === 'unchanged') {
        log.debug({ file }, 'the routes file says what it said before')
        return
      }
      if (outcome === 'ok') log.info({ file, routes: table.names.length }, 'routes file read')
      else {
        const errors = source.problems.filter(isError).length
        log.error({ file, errors }, 'the routes file cannot be used: the routes that were read before stay in force')
      }
      problems(source.problems)
    },
    watching (how: Watching, code?: string): void {
      if (how === 'events') log.info('changes of the routes file are noticed at once again')
      else {
        const seconds = POLL_MS.polling / 1000
        log.warn({ code, seconds }, 'the folder of the routes file cannot be watched: the file is looked at regularly')
      }
    }
  }
}
