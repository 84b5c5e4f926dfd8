import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { envSchema } from 'env-schema'
import { namesRetiredRetellHost } from './retell/retired-host.ts'
import { contradictions } from './settings-rules.ts'
import {
  ALIASES,
  exampleOf,
  isSetting,
  NAMES,
  properties,
  SettingsSchema,
  type Name,
  type Settings
} from './settings-schema.ts'

export type { Settings }

/**
 * Makes the function that reads the environment variables which a routes file names. It never reads the bridge's own
 * settings.
 */
export const createSecretOf = (env: Environment) => (name: string): string | undefined =>
  isSetting(name) ? undefined : env[name] || undefined

/** Thrown by {@link loadSettings}. `problems` has one line for each setting that is missing or wrong. */
export class SettingsError extends Error {
  readonly problems: string[]
  constructor (problems: string[]) {
    super(`The settings cannot be used:\n${problems.map(line => `  - ${line}`).join('\n')}`)
    this.name = 'SettingsError'
    this.problems = problems
  }
}

export type Environment = Record<string, string | undefined>
/** The environment of this process. A `.env` file in the working directory adds the variables that are not set. */
export function readEnvironment (env: Environment = process.env, file = '.env'): Environment {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return env
  }
  return { ...parseEnv(text), ...env }
}

/**
 * What env-schema and @fastify/env need to turn values into settings. Both take it from here, so that one schema,
 * compiled once, is all there is.
 */
export const envOptions = (data: Record<string, unknown>) => ({ schema: SettingsSchema, data, env: false })

/**
 * Turns environment variables into settings: aliases, defaults, types, and the rules between settings.
 * @throws {SettingsError} with every problem at once, each with the variable's name and an example
 */
export function loadSettings (env: Environment): Settings {
  const data = givenValues(env)
  const problems: string[] = []
  let settings: Settings | undefined
  try {
    settings = envSchema<Settings>(envOptions(data))
  } catch (error) {
    for (const problem of (error as { errors?: AjvError[] }).errors ?? []) problems.push(describeProblem(problem))
    if (problems.length === 0) throw error
  }
  problems.push(...contradictions(settings ?? data))
  if (problems.length > 0 || !settings) throw new SettingsError([...new Set(problems)])
  return settings
}

/** Settings that are allowed but seldom intended, one sentence each. */
export function settingsWarnings (settings: Settings): string[] {
  const warnings: string[] = []
  if (!settings.LIVEKIT_SIP_USERNAME) {
    warnings.push(
      'LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD are not set. The LiveKit trunk must then be open, and anybody ' +
        'who finds it can call your agents'
    )
  }
  if (settings.ALLOW_UNSIGNED_HOOKS) {
    warnings.push('ALLOW_UNSIGNED_HOOKS is set. Anybody who reaches this service can start calls in its name')
  }
  if (namesRetiredRetellHost(settings.RETELL_SIP_HOST)) {
    warnings.push('RETELL_SIP_HOST names a host that Retell switched off on 2026-09-30. Set sip.retellai.com')
  }
  if (settings.MAX_CALLS > 0 && settings.WARM_AGENTS > settings.MAX_CALLS) {
    warnings.push('WARM_AGENTS is greater than MAX_CALLS. More agents wait than there can be calls')
  }
  if (!settings.OPERATOR_TOKEN) warnings.push(`OPERATOR_TOKEN is not set, so ${withoutOperator(settings)}`)
  return warnings
}

function withoutOperator ({ VIEWER_TOKEN: viewers, CALLERS: callers }: Settings): string {
  if (viewers) return 'nobody can change anything over the operator API or in the console'
  return callers ? 'only the keys of CALLERS are accepted, each for its own calls' : '/calls answers 404'
}

/**
 * Variables that look like a misspelt setting, one sentence each. Values never appear in it.
 * @param env as {@link readEnvironment} returns it
 */
export function misspeltSettings (env: Environment): string[] {
  const known = [...NAMES, ...Object.keys(ALIASES)]
  return Object.keys(env).filter(name => !known.includes(name)).flatMap(name => {
    const meant = nearestName(name, known)
    return meant === undefined ? [] : [`${name} is not a setting and has no effect. Did you mean ${meant}?`]
  })
}

function nearestName (name: string, known: readonly string[]): string | undefined {
  const upper = name.toUpperCase()
  const [nearest] = known
    .map(candidate => ({ candidate, distance: editDistance(upper, candidate), cut: candidate.startsWith(upper) }))
    .filter(({ candidate, distance }) => distance <= tolerance(upper, candidate))
    // A name that was cut short (LIVEKIT_SIP_USER) means the whole one, however many letters are missing.
    .sort((a, b) => Number(b.cut) - Number(a.cut) || a.distance - b.distance)
  return nearest?.candidate
}

/**
 * How many edits still count as a misspelling. Names with our prefixes belong to nobody else, so they may be further
 * away (`LIVEKIT_SIP_USER`). Short names such as PORT have neighbours that belong to others.
 */
function tolerance (name: string, candidate: string): number {
  if (/^(LIVEKIT|JAMBONZ)_/.test(name)) return Math.floor(candidate.length / 4)
  return candidate.length < 8 ? 0 : 1
}

/** Levenshtein distance: how many letters must be inserted, removed or replaced to turn one text into the other. */
function editDistance (a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

/** The value of a setting under any of its names. An empty variable counts as unset, as in most deployment tools. */
export function given (name: string, env: Environment): string | undefined {
  const names = [name, ...Object.keys(ALIASES).filter(alias => ALIASES[alias] === name)]
  return names.map(key => env[key]).find(value => value !== undefined && value.trim() !== '')
}

/** Only the ring tone can be set to nothing on purpose. */
function givenValues (env: Environment): Environment {
  const data: Environment = {}
  for (const name of NAMES) {
    const value = given(name, env)
    if (value !== undefined) data[name] = name === 'AGENT_METADATA' ? value : value.trim()
    else if (name === 'RINGBACK_TONE' && env[name] === '') data[name] = ''
  }
  return data
}

interface AjvError {
  instancePath: string
  keyword: string
  message?: string
  params: { missingProperty?: string, allowedValues?: unknown[] }
}

function describeProblem (error: AjvError): string {
  const name = error.params.missingProperty ?? error.instancePath.slice(1)
  const description = properties[name as Name]?.description ?? ''
  return `${name} ${whatIsWrong(error)}: ${description}. Example: ${exampleOf(name as Name)}`
}

function whatIsWrong ({ keyword, message, params }: AjvError): string {
  if (keyword === 'required') return 'is required'
  if (keyword === 'pattern') return 'has the wrong form'
  const allowed = params.allowedValues ? ` (${params.allowedValues.join(', ')})` : ''
  return `${message ?? 'is wrong'}${allowed}`
}
