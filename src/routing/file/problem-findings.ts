import type { Finding } from '../../finding.ts'
import { placeIn, withoutNumbers } from './problems.ts'
import type { RoutesProblem, RoutesSource } from '../routes.ts'

/** So many problems of a file are shown. */
const MOST = 5

/** What the last reading of the routes file found, as findings. Variables that are not set are reported elsewhere. */
export function problemFindings ({ file, problems }: RoutesSource): Finding[] {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const shown = errors.length > 0 ? errors : problems.filter(({ code }) => code !== 'variable-missing')
  const findings = shown.slice(0, MOST).map(problem => findingOf(file ?? '', problem, errors.length > 0))
  if (shown.length <= MOST) return findings
  return [...findings, {
    code: errors.length > 0 ? 'routes-wrong' : 'routes-doubtful',
    severity: errors.length > 0 ? 'failed' : 'warning',
    seen: `The routes file has ${shown.length - MOST} more such problems`,
    todo: 'Show all of them',
    command: `bridge routes check ${file}`
  }]
}

function findingOf (file: string, problem: RoutesProblem, isError: boolean): Finding {
  // A report is passed on, so the numbers of callers and routes are cut short.
  const seen = `${placeIn(file, problem)}: ${withoutNumbers(problem.message)}`
  if (!isError) return { code: 'routes-doubtful', severity: 'warning', seen }
  return {
    code: 'routes-wrong',
    severity: 'failed',
    seen,
    todo: 'Correct the file. A bridge that is running goes on with the routes it had, and one that starts with this ' +
      'file ends at once',
    command: `bridge routes check ${file}`
  }
}
