import type { RetellWay, SipWay } from '../../calls/fold/way.ts'
import type { PlannedWay } from '../match/table.ts'
import { readTarget } from '../policy/dial-target.ts'
import { decide } from '../policy/policy.ts'
import { readNumber } from '../match/numbers.ts'
import { given } from './given.ts'
import type { Field, Fields, Item, Reading } from './items.ts'
import type { ConnectContext } from './read-connect.ts'
import { readAgentsWay, readAgentWay } from './read-agent-way.ts'
import { LONGEST_RING_S, ringOf } from './read-defaults.ts'
import { readDialled } from './read-number.ts'
import { namesRetiredHost } from './retired-host.ts'
import { readVariableName } from './read-variable-name.ts'
import { LONGEST, MOST_VARIABLES, RETELL_KEYS, type WayKey } from './way-schemas.ts'
import { hasPassword, limited, readObject } from './read-limited.ts'

type ReadWay = (reading: Reading, fields: Fields, context: ConnectContext) => PlannedWay | undefined

/** Reads an entry that has the key. Undefined: what is wrong is among the problems. */
export const READ_WAY: Record<WayKey, ReadWay> = {
  agent: readAgentWay,

  agents: readAgentsWay,

  phone (reading, fields, context) {
    const number = readDialled(reading, fields.get('phone')!, context.country)
    const carrier = optionalText(reading, fields.get('carrier'), 'Telnyx')
    const from = readFrom(reading, fields.get('from'), context)
    const ring = ringOf(reading, fields, LONGEST_RING_S)
    if (number === undefined) return undefined
    warnOfRefusal(reading, fields.get('phone')!, number, context)
    return { kind: 'way', way: { strategy: 'phone', number, ...given({ carrier, from }), ...ring } }
  },

  carrier (reading, fields, context) {
    const field = fields.get('carrier')!
    const carrier = limited(reading, field, LONGEST.name, 'Telnyx')?.trim()
    const ring = ringOf(reading, fields, LONGEST_RING_S)
    const number = fields.get('number')
    if (!number) return reading.error(field, 'The number to dial is missing. Example: number: "+4953118054632"')
    const dialled = readDialled(reading, number, context.country)
    if (carrier === undefined || dialled === undefined) return undefined
    // Platforms behind a carrier answer our own numbers, so those are dialled on purpose.
    if (!isOwn(dialled, context)) warnOfRefusal(reading, number, dialled, context)
    return { kind: 'way', way: { strategy: 'carrier', carrier, number: dialled, ...ring } }
  },

  retell (reading, fields, context) {
    const retell = readRetell(reading, fields.get('retell')!, context)
    const ring = ringOf(reading, fields, LONGEST_RING_S)
    return retell && { kind: 'way', way: { ...retell, ...ring } }
  },

  sip (reading, fields, context) {
    const uri = readSipUri(reading, fields.get('sip')!)
    const auth = readAuth(reading, fields.get('auth'), context)
    const ring = ringOf(reading, fields, LONGEST_RING_S)
    if (uri === undefined) return undefined
    const target = readTarget(uri, context.country)
    if (target.kind === 'sip' && target.number !== undefined) {
      warnOfRefusal(reading, fields.get('sip')!, target.number, context)
    }
    return { kind: 'way', way: { strategy: 'sip', uri, ...given({ auth }), ...ring } }
  },

  say (reading, fields) {
    const text = limited(reading, fields.get('say')!, LONGEST.say, '"Nobody is here. Please call again tomorrow."')
    const language = optionalText(reading, fields.get('language'), 'de-DE')
    const voice = optionalText(reading, fields.get('voice'))
    const vendor = optionalText(reading, fields.get('vendor'), 'google')
    if (text === undefined) return undefined
    return { kind: 'way', way: { strategy: 'say', text, ...given({ language, voice, vendor }) } }
  },

  play (reading, fields) {
    const field = fields.get('play')!
    const url = limited(reading, field, LONGEST.url, 'https://example.com/closed.mp3')?.trim()
    if (url === undefined || hasPassword(reading, field, url)) return undefined
    if (namesRetiredHost(reading, field, url)) return undefined
    if (/^https?:$/.test(protocolOf(url))) return { kind: 'way', way: { strategy: 'play', url } }
    return reading.error(field, 'This is not a URL that Jambonz can fetch. Example: https://example.com/closed.mp3')
  },

  decline (reading, fields) {
    const status = reading.integer(fields.get('decline')!, 400, 699)
    const reason = optionalText(reading, fields.get('reason'), 'Busy Here')
    if (status === undefined) return undefined
    return { kind: 'way', way: { strategy: 'decline', status, reason: reason ?? REASONS[status] ?? 'Declined' } }
  }
}

/** Reason phrases of RFC 3261 that people decline calls with. */
const REASONS: Record<number, string> = {
  403: 'Forbidden',
  404: 'Not Found',
  410: 'Gone',
  480: 'Temporarily Unavailable',
  484: 'Address Incomplete',
  486: 'Busy Here',
  488: 'Not Acceptable Here',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
  // RFC 8197 and RFC 8688.
  607: 'Unwanted',
  608: 'Rejected'
}

const optionalText = (reading: Reading, field: Field | undefined, example?: string): string | undefined =>
  field && limited(reading, field, LONGEST.name, example)?.trim()

function isOwn (number: string, { numbers }: ConnectContext): boolean {
  const digits = readNumber(number).digits[0]
  return numbers.some(own => readNumber(own).digits[0] === digits)
}

/** The operator's own words are obeyed, but what the policy would refuse anybody else is hardly meant. */
function warnOfRefusal (reading: Reading, item: Item, number: string, context: ConnectContext): void {
  const decision = decide('routes', number, context)
  if (decision.allowed) return
  reading.warn(item, `Calls dial this number, but agents may not transfer to it. ${decision.why}`)
}

function readFrom (reading: Reading, field: Field | undefined, context: ConnectContext): string | undefined {
  const number = field && readDialled(reading, field, context.country)
  if (number === undefined) return undefined
  if (isOwn(number, context)) return number
  return reading.error(field!, 'This caller id is not one of your `numbers`. Add it there, or leave `from` out.')
}

const RETELL_EXAMPLE = 'Example: retell: { agent: agent_0123, key: RETELL_API_KEY }'

function readRetell (reading: Reading, field: Field, context: ConnectContext): RetellWay | undefined {
  const fields = reading.fields(field, RETELL_KEYS)
  if (!fields) return undefined
  const agentField = fields.get('agent')
  const keyField = fields.get('key')
  if (!agentField) reading.error(field, `The agent is missing. ${RETELL_EXAMPLE}`)
  if (!keyField) reading.error(field, `The key is missing: the name of the variable that holds it. ${RETELL_EXAMPLE}`)
  const agent = optionalText(reading, agentField, 'agent_0123')
  const key = keyField && readVariableName(reading, keyField, 'RETELL_API_KEY', context)
  const versionField = fields.get('version')
  const version = versionField && reading.integer(versionField, 0)
  const metadataField = fields.get('metadata')
  const metadata = metadataField && readObject(reading, metadataField)
  const variables = readVariables(reading, fields.get('variables'))
  if (agent === undefined || key === undefined) return undefined
  return { strategy: 'retell', agent, key, ...given({ version, metadata, variables }) }
}

/** Retell takes texts only. */
function readVariables (reading: Reading, field: Field | undefined): Record<string, string> | undefined {
  const fields = field && reading.mapping(field)
  if (!fields) return undefined
  if (fields.size > MOST_VARIABLES) {
    return reading.error(field!, `There are at most ${MOST_VARIABLES} variables, and these are ${fields.size}.`)
  }
  const texts = [...fields.values()].map(field => [field.key, limited(reading, field, LONGEST.variable)] as const)
  return Object.fromEntries(texts.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function readSipUri (reading: Reading, item: Item): string | undefined {
  const text = limited(reading, item, LONGEST.sip, '"sip:sales@example.com"')?.trim()
  if (text === undefined || hasPassword(reading, item, text)) return undefined
  if (namesRetiredHost(reading, item, text)) return undefined
  if (/^sips?:[^\s@<>"]+@(\[[0-9a-f:.]+\]|[\w-]+(\.[\w-]+)*)(:\d{1,5})?([;?][^\s<>"]*)?$/i.test(text)) return text
  return reading.error(item, 'This is not a SIP address with user and host. Example: "sip:sales@example.com"')
}

const AUTH_EXAMPLE = 'Example: auth: { username: PBX_USERNAME, password: PBX_PASSWORD }'

function readAuth (reading: Reading, field: Field | undefined, context: ConnectContext): SipWay['auth'] | undefined {
  const fields = field && reading.fields(field, ['username', 'password'])
  if (!fields) return undefined
  const [username, password] = (['username', 'password'] as const).map(key => {
    const name = fields.get(key)
    if (name) return readVariableName(reading, name, `PBX_${key.toUpperCase()}`, context)
    return reading.error(field!, `The ${key} is missing. ${AUTH_EXAMPLE}`)
  })
  return username === undefined || password === undefined ? undefined : { username, password }
}

function protocolOf (url: string): string {
  try {
    return new URL(url).protocol
  } catch {
    return ''
  }
}
