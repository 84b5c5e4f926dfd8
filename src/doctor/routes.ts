import type { Finding } from '../finding.ts'
import { jambonzAccess } from '../jambonz/api.ts'
import { problemFindings } from '../routing/file/problem-findings.ts'
import { variablesOf } from '../routing/describe-way.ts'
import type { PlacedWay } from '../routing/routes.ts'
import type { Check, DoctorContext } from './check.ts'
import { placeOf } from './place-of.ts'
import { carrierFindings } from './routes-carriers.ts'
import { speechFindings } from './routes-speech.ts'
import { WAITS_FOR_JAMBONZ_API, WAITS_FOR_LIVEKIT_API } from './waits-for.ts'

/** The routes file, and what its ways need outside of it. */
export const routesCheck: Check = {
  name: 'routes',
  title: 'Can the routes file be read, and do its ways lead somewhere?',
  readOnly: true,
  limitMs: 20_000,
  waitsFor: [WAITS_FOR_LIVEKIT_API, WAITS_FOR_JAMBONZ_API],
  async run (context, signal) {
    const { routes } = context
    if (routes.file === undefined) {
      return [{
        code: 'routes-none',
        severity: 'ok',
        seen: "ROUTES_FILE is not set: every call goes to the application's agent, then to its fallback number"
      }]
    }
    const found = [
      ...problemFindings(routes),
      ...variableFindings(context),
      ...await waysFindings(context, signal)
    ]
    if (found.some(({ severity }) => severity === 'failed' || severity === 'warning')) return found
    const count = routes.table.names.length
    return [
      { code: 'routes-ok', severity: 'ok', seen: `${routes.file} has ${count} route${count === 1 ? '' : 's'}` },
      ...found
    ]
  }
}

/** Variables that ways name and that are not set: calls skip these ways, or go without credentials. */
function variableFindings ({ routes: { table }, secretOf }: DoctorContext): Finding[] {
  const missing = new Map<string, PlacedWay>()
  for (const placed of table.ways) {
    for (const name of variablesOf(placed.way)) {
      if (!secretOf(name) && !missing.has(name)) missing.set(name, placed)
    }
  }
  return [...missing].map(([name, placed]) => ({
    code: 'routes-variable-missing',
    severity: 'failed',
    seen: `The environment variable ${name} is not set, which a way \`${placed.way.strategy}\` needs ` +
      `(${placeOf(placed)}): calls cannot use that way`,
    todo: `Set ${name} where the bridge runs, and restart it`
  }))
}

/** What Jambonz must have for the ways: carriers by name, and speech credentials. */
async function waysFindings (context: DoctorContext, signal: AbortSignal): Promise<Finding[]> {
  const { ways } = context.routes.table
  const carriers = ways.filter(({ way }) => 'carrier' in way && way.carrier !== undefined)
  const spoken = ways.filter(({ way }) => way.strategy === 'say')
  if (carriers.length === 0 && spoken.length === 0) return []
  const access = jambonzAccess(context.settings)
  if (!access) {
    const what = [carriers.length > 0 && 'carriers', spoken.length > 0 && 'speech credentials'].filter(Boolean)
    return [{
      code: 'routes-not-asked',
      severity: 'skipped',
      seen: `Whether Jambonz has the ${what.join(' and ')} that the routes need was not checked: the Jambonz REST ` +
        'settings are not set',
      todo: 'Set JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY'
    }]
  }
  const found = await Promise.all([
    carriers.length > 0 ? carrierFindings(context, access, carriers, signal) : [],
    spoken.length > 0 ? speechFindings(access, spoken, signal) : []
  ])
  return found.flat()
}
