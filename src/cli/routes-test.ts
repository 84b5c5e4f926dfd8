import { parseArgs } from 'node:util'
import { createSecretOf, given, SettingsError, type Settings } from '../config.ts'
import type { RoutesTrial, RoutesTrialRequest } from '../routes-schemas.ts'
import { TrialError, tryRoutes } from '../routing/trial.ts'
import { settingsWithout, type Spared } from './partial-settings.ts'
import { problemLines } from './routes-check.ts'
import { readRoutesInput, RoutesUsageError } from './routes-input.ts'
import { trialLines } from './routes-print.ts'
import type { RoutesIo } from './routes.ts'

const TEXT = { type: 'string' } as const
const FLAGS = {
  to: TEXT,
  from: TEXT,
  at: TEXT,
  zone: TEXT,
  carrier: TEXT,
  application: TEXT,
  direction: TEXT,
  header: { type: 'string', multiple: true },
  'call-sid': TEXT,
  'no-verbs': { type: 'boolean' },
  json: { type: 'boolean' }
} as const

const USUAL_COLUMNS = 100

/** `bridge routes test`: what would become of a call. Resolves to the exit code. */
export async function testRoutes (args: string[], io: RoutesIo): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: FLAGS })
  const request = requestOf(values)
  const input = await readRoutesInput(positionals, io)
  if (!input.table) {
    for (const line of problemLines(input)) io.err(line)
    return 1
  }
  const { settings, missing } = readSettings(io)
  const options = { table: input.table, settings, secretOf: createSecretOf(io.env), now: (io.now ?? Date.now)() }
  const trial = tryOrExplain(request, options)
  if (missing.length > 0) trial.notes.push(`Not set, so the verbs have placeholders: ${missing.join(', ')}`)

  if (values.json) io.out(JSON.stringify(trial, null, 2))
  else for (const line of trialLines(trial, io.columns ?? USUAL_COLUMNS, !values['no-verbs'])) io.out(line)
  return 0
}

type Values = ReturnType<typeof parseArgs<{ options: typeof FLAGS }>>['values']

function requestOf (values: Values): RoutesTrialRequest {
  const { to, from, at, zone, carrier, application, direction } = values
  if (!to?.trim()) throw new RoutesUsageError('Which number is called? Write --to, such as --to +15551230000')
  if (direction !== undefined && direction !== 'inbound' && direction !== 'outbound') {
    throw new RoutesUsageError('--direction must be inbound or outbound')
  }
  const headers = Object.fromEntries((values.header ?? []).map(readHeader))
  return { to, from, at, zone, carrier, application, direction, headers, callSid: values['call-sid'] }
}

function readHeader (text: string): [name: string, value: string] {
  const match = /^\s*([^\s:]+)\s*:\s*(.*?)\s*$/.exec(text)
  if (!match) {
    throw new RoutesUsageError(`--header ${JSON.stringify(text)} has no name and value. Write it as 'X-Tenant: acme'`)
  }
  return [match[1]!, match[2]!]
}

/** Settings that are told apart in the verbs. */
const IN_VERBS: readonly Spared[] = ['PUBLIC_URL', 'LIVEKIT_SIP_HOST', 'LIVEKIT_AGENT_NAME', 'LIVEKIT_API_SECRET']
const NOT_NEEDED: readonly Spared[] = [...IN_VERBS, 'LIVEKIT_URL', 'LIVEKIT_API_KEY', 'JAMBONZ_WEBHOOK_SECRET']

function readSettings ({ env }: RoutesIo): { settings: Settings, missing: Spared[] } {
  try {
    return {
      settings: settingsWithout(NOT_NEEDED, env),
      missing: IN_VERBS.filter(name => given(name, env) === undefined)
    }
  } catch (error) {
    throw error instanceof SettingsError ? new RoutesUsageError(error.message) : error
  }
}

function tryOrExplain (...[request, options]: Parameters<typeof tryRoutes>): RoutesTrial {
  try {
    return tryRoutes(request, options)
  } catch (error) {
    throw error instanceof TrialError ? new RoutesUsageError(`--${error.field}: ${error.message}`) : error
  }
}
