import type { SIPInboundTrunkInfo } from 'livekit-server-sdk'
import type { Finding, Severity } from '../finding.ts'
import type { FindingCode } from '../finding-codes.ts'
import { addressCounts, challenges } from '../livekit/dispatch-matching.ts'
import type { FieldChange } from '../provisioning/livekit-fields.ts'
import type { Change } from '../provisioning/livekit-plan.ts'

/** What it means that a property of our trunk or rule is not as it should be. */
interface Meaning {
  code: FindingCode
  severity: Severity
  why: string
  /** Findings that say the same, and more. */
  saidBy?: FindingCode[]
}

const CREDENTIALS: Meaning = {
  code: 'trunk-credentials',
  severity: 'failed',
  why: 'LiveKit refuses calls with the credentials of the settings',
  saidBy: ['trunk-half-credentials', 'trunk-open']
}

/** A trunk that asks nobody refuses nobody for a wrong pair. */
const NO_CHALLENGE: Meaning = {
  ...CREDENTIALS,
  severity: 'warning',
  why: 'calls get through, because this trunk asks nobody for credentials: its allowed_addresses alone keep ' +
    'strangers from the agents'
}

const MEDIA: Meaning = {
  code: 'trunk-media',
  severity: 'warning',
  why: 'a call on hold sends no audio and ends at the media timeout; the encryption must fit LIVEKIT_SIP_SRTP',
  saidBy: ['media-encryption', 'media-codecs']
}

const TRUNK: Record<string, Meaning> = {
  numbers: {
    code: 'trunk-numbers',
    severity: 'failed',
    why: 'no list holds the tokens that are dialled, so the trunk must take every number'
  },
  auth_username: CREDENTIALS,
  auth_password: CREDENTIALS,
  include_headers: {
    code: 'trunk-drift',
    severity: 'warning',
    why: "agents and the bridge do not see the call's X- headers",
    saidBy: ['trunk-all-headers']
  },
  ringing_timeout: {
    code: 'trunk-ringing-timeout',
    severity: 'warning',
    why: 'LiveKit should ring longer than DIAL_TIMEOUT_S, so that this setting alone decides'
  },
  max_call_duration: {
    code: 'trunk-max-call-duration',
    severity: 'warning',
    why: 'LiveKit hangs up on calls before MAX_CALL_DURATION_S does'
  },
  media: MEDIA,
  media_encryption: MEDIA
}

const RULE: Record<string, Meaning> = {
  rule: {
    code: 'rule-target',
    severity: 'failed',
    why: 'calls must land in the room <prefix>_<token>: a Callee rule with LIVEKIT_ROOM_PREFIX, without randomness ' +
      'and PIN'
  },
  trunk_ids: {
    code: 'rule-trunks',
    severity: 'failed',
    why: "the rule must be bound to the bridge's trunk and to no other",
    saidBy: ['rule-without-trunks', 'rule-unknown-trunk']
  },
  numbers: { code: 'rule-numbers', severity: 'failed', why: 'no token is in that list' },
  inbound_numbers: {
    code: 'rule-numbers',
    severity: 'failed',
    why: 'that list is of callers, and nobody else gets into a room'
  },
  room_config: {
    code: 'rule-agent',
    severity: 'warning',
    why: 'its agent answers when the bridge could not make the room, so it must be LIVEKIT_AGENT_NAME'
  },
  media: { ...MEDIA, code: 'rule-media' },
  media_encryption: { ...MEDIA, code: 'rule-media' }
}

const ELSE = {
  trunk: { code: 'trunk-drift', severity: 'warning', why: 'that is not how the bridge makes it' },
  rule: { code: 'rule-drift', severity: 'warning', why: 'that is not how the bridge makes it' }
} as const satisfies Record<Change['what'], Meaning>

const KIND = { trunk: 'Inbound trunk', rule: 'Dispatch rule' } as const
export const FIX = 'bridge doctor --fix'
const CURE = { todo: 'Bring it up to date', command: FIX } as const

export interface ChangeContext {
  /** How long a room may ring at most, by the routes in force, seconds. */
  ringS: number
  /** Our trunk as it is now. */
  trunk: SIPInboundTrunkInfo | undefined
  /** Codes of findings that are reported anyway. */
  said: ReadonlySet<FindingCode>
  /** The command that makes what is missing. */
  create: string
}

/** Each change that `bridge provision` would make, as a finding of what is wrong now. */
export function changeFindings (changes: readonly Change[], context: ChangeContext): Finding[] {
  return changes.flatMap(change => {
    if (change.do === 'create') return [missing(change, context)]
    return change.do === 'delete' ? [second(change)] : drifts(change, context)
  })
}

function missing ({ what }: Change, { create }: ChangeContext): Finding {
  const next = { severity: 'failed', todo: 'Make trunk and rule', command: create } as const
  return what === 'trunk'
    ? {
        code: 'trunk-missing',
        seen: 'The project has no inbound trunk of the bridge: LiveKit takes none of its calls',
        ...next
      }
    : {
        code: 'rule-missing',
        seen: 'The project has no dispatch rule of the bridge: LiveKit puts none of its calls into a room',
        ...next
      }
}

function second ({ what, id }: Change): Finding {
  return {
    code: what === 'trunk' ? 'trunk-second' : 'rule-second',
    severity: 'failed',
    seen: `${KIND[what]} ${id} is a second one of the bridge's: it competes with the first`,
    ...CURE
  }
}

/** Properties that belong together are one finding: user name and password, both fields of the encryption. */
const TOLD_ONCE: readonly FindingCode[] = ['trunk-credentials', 'trunk-media', 'rule-media']

function drifts (change: Change, context: ChangeContext): Finding[] {
  const told = new Set<FindingCode>(context.said)
  return change.fields.flatMap(field => {
    const { saidBy = [], ...meaning } = meaningOf(change.what, field, context)
    if (saidBy.some(code => told.has(code))) return []
    if (TOLD_ONCE.includes(meaning.code) && told.has(meaning.code)) return []
    told.add(meaning.code)
    return [drift(change, field, meaning)]
  })
}

const drift = ({ what, id }: Change, { name, from, to }: FieldChange, { code, severity, why }: Meaning): Finding => ({
  code,
  severity,
  seen: `${KIND[what]} ${id}: ${name} is ${from ?? '(none)'}, should be ${to}: ${why}`,
  ...CURE
})

function meaningOf (what: Change['what'], { name, from }: FieldChange, context: ChangeContext): Meaning {
  const { ringS: dial, trunk } = context
  const meaning: Meaning = (what === 'trunk' ? TRUNK : RULE)[name] ?? ELSE[what]
  switch (meaning.code) {
    case 'trunk-credentials':
      return trunk && !challenges(trunk) && trunk.allowedAddresses.some(addressCounts) ? NO_CHALLENGE : meaning
    case 'trunk-ringing-timeout':
      return (secondsOf(from) ?? DEFAULT_RINGING_S) > dial
        ? meaning
        : {
            ...meaning,
            severity: 'failed',
            why: `LiveKit gives up (486) before the dial does, which rings for ${dial} s`
          }
    case 'trunk-max-call-duration':
      return (secondsOf(from) ?? Infinity) > dial
        ? meaning
        : { ...meaning, severity: 'failed', why: 'LiveKit counts the ringing too, and ends calls that rang for long' }
    default:
      return meaning
  }
}

/** LiveKit's own ringing timeout, seconds (livekit/sip participant.go). */
const DEFAULT_RINGING_S = 180

/** A duration as JSON has it: `"40s"`. */
function secondsOf (text: string | undefined): number | undefined {
  const seconds = /^"([\d.]+)s"$/.exec(text ?? '')?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}
