import { AGENT_NAME, callerKeys, OPERATOR_NAME, staffKeys, VIEWER_NAME, type Key } from './caller-keys.ts'
import { commaList } from './comma-list.ts'
import { receiverProblems } from './events/receivers.ts'
import { exampleOf, properties, type Name } from './settings-schema.ts'
import { isTrustedProxies } from './trusted-proxies.ts'

/** Settings as far as they could be read. */
type Values = Partial<Record<Name, unknown>>

/** Rules between settings. They are checked on whatever could be read, so that all problems are listed together. */
export function contradictions (values: Values): string[] {
  return [
    ...incomplete(values, ['HTTP_USERNAME', 'HTTP_PASSWORD'], 'Basic authentication needs both'),
    ...incomplete(
      values,
      ['LIVEKIT_SIP_USERNAME', 'LIVEKIT_SIP_PASSWORD'],
      'LiveKit does not challenge callers of a trunk that has only one of them'
    ),
    ...incomplete(
      values,
      ['JAMBONZ_REST_API_BASE_URL', 'JAMBONZ_ACCOUNT_SID', 'JAMBONZ_API_KEY'],
      'the Jambonz REST API needs all three'
    ),
    ...withoutAuthentication(values),
    ...unusableProxies(values),
    ...unusableKeys(values),
    ...unusableReceivers(values),
    ...unusablePool(values),
    ...notSmaller(
      values,
      'LIVEKIT_TIMEOUT_MS',
      'CALL_HOOK_DEADLINE_MS',
      'otherwise no time is left to answer when LiveKit hangs'
    ),
    ...notSmaller(values, 'DRAIN_DELAY_S', 'SHUTDOWN_TIMEOUT_S', 'which includes it')
  ]
}

/** Settings that only make sense together. */
function incomplete (values: Values, names: Name[], why: string): string[] {
  const missing = names.filter(name => values[name] === undefined)
  if (missing.length === 0 || missing.length === names.length) return []
  return [`${missing.join(' and ')} must be set too: ${why}. Example: ${missing.map(exampleOf).join(' ')}`]
}

function withoutAuthentication (values: Values): string[] {
  const unsigned = String(values.ALLOW_UNSIGNED_HOOKS ?? 'false') === 'true'
  const secrets = commaList(values.JAMBONZ_WEBHOOK_SECRET as string | undefined)
  const basic = values.HTTP_USERNAME !== undefined || values.HTTP_PASSWORD !== undefined
  if (unsigned || basic || secrets.length > 0) return []
  return [
    'JAMBONZ_WEBHOOK_SECRET is required (or HTTP_USERNAME and HTTP_PASSWORD): without either, anybody could start ' +
    'calls. Example: JAMBONZ_WEBHOOK_SECRET=wh_secret_abc (portal: Account, Webhook secret)'
  ]
}

function unusableProxies ({ TRUST_PROXY: proxies }: Values): string[] {
  if (proxies === undefined || isTrustedProxies(String(proxies))) return []
  return [
    'TRUST_PROXY must be a comma list of addresses or networks, or a number of proxies. It cannot be everybody: then ' +
    'any client could pretend to be another. Example: TRUST_PROXY=10.0.0.0/8'
  ]
}

/** A token says whose calls may be seen, so it must belong to one name. */
function unusableKeys (values: Values): string[] {
  const keys = [
    ...keysOf('OPERATOR_TOKEN', staffKeys(values.OPERATOR_TOKEN as string | undefined, OPERATOR_NAME)),
    ...keysOf('VIEWER_TOKEN', staffKeys(values.VIEWER_TOKEN as string | undefined, VIEWER_NAME)),
    ...keysOf('CALLERS', callerKeys(values.CALLERS as string | undefined))
  ]
  return [...reservedNames(keys), ...sharedNames(keys), ...sharedTokens(keys)]
}

interface KeyOfSetting extends Key {
  setting: Name
}

const keysOf = (setting: Name, keys: Key[]): KeyOfSetting[] => keys.map(key => ({ ...key, setting }))

const MEANT: Record<string, string> = {
  [OPERATOR_NAME]: 'that is who orders calls with OPERATOR_TOKEN',
  [VIEWER_NAME]: 'that is who looks with VIEWER_TOKEN',
  [AGENT_NAME]: 'that is who orders calls with the token of a call'
}

function reservedNames (keys: readonly KeyOfSetting[]): string[] {
  const isReserved = ({ setting, name }: KeyOfSetting) =>
    name === AGENT_NAME || (setting === 'CALLERS' && Object.hasOwn(MEANT, name))
  return keys.filter(isReserved).map(({ setting, name }) => `${setting} must not name a key ${name}: ${MEANT[name]}`)
}

/** Calls are found by the name of who ordered them, so a name in two settings would show one the calls of the other. */
function sharedNames (keys: readonly KeyOfSetting[]): string[] {
  const callers = new Set(keys.filter(({ setting }) => setting === 'CALLERS').map(({ name }) => name))
  return keys.filter(({ setting, name }) => setting !== 'CALLERS' && callers.has(name) && !Object.hasOwn(MEANT, name))
    .map(({ setting, name }) => `CALLERS and ${setting} both name a key ${name}: choose another name in one of them`)
}

function sharedTokens (keys: readonly KeyOfSetting[]): string[] {
  const owners = new Map<string, KeyOfSetting>()
  const problems: string[] = []
  for (const key of keys) {
    const other = owners.get(key.token)
    owners.set(key.token, key)
    if (other === undefined) continue
    if (other.setting !== key.setting) {
      problems.push(`${key.setting} must not have a token of ${other.setting}: what a token may do must be clear`)
    } else if (other.name !== key.name) {
      problems.push(`${key.setting} gives the same token to ${other.name} and ${key.name}`)
    }
  }
  return problems
}

const unusableReceivers = ({ EVENTS_URL, EVENTS_SECRET, EVENTS_ALLOW_PRIVATE }: Values): string[] =>
  receiverProblems({
    EVENTS_URL: EVENTS_URL as string | undefined,
    EVENTS_SECRET: EVENTS_SECRET as string | undefined,
    EVENTS_ALLOW_PRIVATE: String(EVENTS_ALLOW_PRIVATE ?? 'false') === 'true'
  })

function unusablePool (values: Values): string[] {
  const min = Number(values.WARM_AGENTS ?? properties.WARM_AGENTS.default)
  const max = Number(values.WARM_AGENTS_MAX ?? min)
  if (min === 0 && max > 0) {
    return ['WARM_AGENTS must be 1 or more where WARM_AGENTS_MAX is set, which only says how far it may grow. ' +
      `Example: WARM_AGENTS=1 WARM_AGENTS_MAX=${max}`]
  }
  if (max < min) {
    return [`WARM_AGENTS_MAX must not be smaller than WARM_AGENTS. Example: WARM_AGENTS=${min} WARM_AGENTS_MAX=${min}`]
  }

  const lifeS = Number(values.WARM_AGENT_LIFE_S ?? properties.WARM_AGENT_LIFE_S.default)
  if (!(Number(values.WARM_AGENTS_PER_S ?? Infinity) * lifeS < max)) return []
  return ['WARM_AGENTS_PER_S is too small: rooms end after WARM_AGENT_LIFE_S, before so many are there. Example: ' +
    `WARM_AGENTS_PER_S=${Math.max(2, Math.ceil(max / 10))}`]
}

function notSmaller (values: Values, smaller: Name, larger: Name, why: string): string[] {
  const valueOf = (name: Name) => values[name] ?? properties[name].default
  if (!(Number(valueOf(smaller)) >= Number(valueOf(larger)))) return []
  const example = [smaller, larger].map(name => `${name}=${String(properties[name].default)}`).join(' ')
  return [`${smaller} must be smaller than ${larger}, ${why}. Example: ${example}`]
}
