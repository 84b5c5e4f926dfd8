import type { Settings } from '../config.ts'
import type { Finding, Severity } from '../finding.ts'
import type { FindingCode } from '../finding-codes.ts'
import type { FieldChange } from '../provisioning/livekit-fields.ts'
import type { Change } from '../provisioning/livekit-plan.ts'

/** What it means that a property of our trunk or rule is not as it should be. */
interface Meaning {
  code: FindingCode
  severity: Severity
  why: string
  /** A finding that says the same, and more. */
  saidBy?: FindingCode[]
}

const TRUNK: Record<string, Meaning> = {
  numbers: {
    code: 'trunk-numbers',
    severity: 'failed',
    why: 'the tokens that are dialled are in no list: it must take every number'
  },
  auth_username: {
    code: 'trunk-credentials',
    severity: 'failed',
    why: 'LiveKit refuses calls with the credentials of the settings',
    saidBy: ['trunk-half-credentials', 'trunk-open']
  },
  auth_password: {
    code: 'trunk-credentials',
    severity: 'failed',
    why: 'LiveKit refuses calls with the credentials of the settings',
    saidBy: ['trunk-half-credentials', 'trunk-open']
  },
  include_headers: {
    code: 'trunk-drift',
    severity: 'warning',
    why: "agents and the bridge do not see the call's X- headers",
    saidBy: ['trunk-all-headers']
  },
  ringing_timeout: {
    code: 'trunk-ringing-timeout',
    severity: 'warning',
    why: 'LiveKit should ring longer than DIAL_TIMEOUT_S, so that this alone decides'
  },
  media: {
    code: 'trunk-media',
    severity: 'warning',
    why: 'a call on hold sends no audio, and LiveKit hangs up at its media timeout; the encryption must fit ' +
      'LIVEKIT_SIP_SRTP'
  }
}

const RULE: Record<string, Meaning> = {
  rule: {
    code: 'rule-target',
    severity: 'failed',
    why:
      'calls must land in the room <prefix>_<token>: a Callee rule with LIVEKIT_ROOM_PREFIX, without randomness and PIN'
  },
  trunk_ids: {
    code: 'rule-trunks',
    severity: 'failed',
    why: "it must be bound to the bridge's trunk and to no other",
    saidBy: ['rule-without-trunks', 'rule-unknown-trunk']
  },
  numbers: { code: 'rule-numbers', severity: 'failed', why: 'no token is in that list' },
  inbound_numbers: {
    code: 'rule-numbers',
    severity: 'failed',
    why: 'that list is of callers: nobody else comes into a room'
  },
  room_config: {
    code: 'rule-agent',
    severity: 'warning',
    why: 'its agent answers when the bridge could not make the room: it must be LIVEKIT_AGENT_NAME'
  }
}

const ELSE = {
  trunk: { code: 'trunk-drift', severity: 'warning', why: 'it is not as the bridge makes it' },
  rule: { code: 'rule-drift', severity: 'warning', why: 'it is not as the bridge makes it' }
} as const satisfies Record<Change['what'], Meaning>

const KIND = { trunk: 'Inbound trunk', rule: 'Dispatch rule' } as const
const CURE = { todo: 'Bring it up to date', command: 'bridge doctor --fix' } as const

/**
 * Each change that `bridge provision` would make, as a finding of what is wrong now.
 * @param said codes of findings that are told anyway
 */
export function changeFindings (
  changes: readonly Change[],
  settings: Pick<Settings, 'DIAL_TIMEOUT_S'>,
  said: ReadonlySet<FindingCode>
): Finding[] {
  return changes.flatMap(change =>
    change.do === 'create'
      ? [missing(change)]
      : change.do === 'delete'
        ? [second(change)]
        : drifts(change, settings, said)
  )
}

function drifts (
  change: Change,
  settings: Pick<Settings, 'DIAL_TIMEOUT_S'>,
  said: ReadonlySet<FindingCode>
): Finding[] {
  return unique(change.fields.map(field => drift(change, field, settings)))
    .filter(({ saidBy }) => !saidBy?.some(code => said.has(code)))
    .map(({ finding }) => finding)
}

function missing ({ what }: Change): Finding {
  return what === 'trunk'
    ? {
        code: 'trunk-missing',
        severity: 'failed',
        seen: 'The project has no inbound trunk of the bridge: LiveKit takes none of its calls',
        todo: 'Make trunk and rule',
        command: 'bridge provision'
      }
    : {
        code: 'rule-missing',
        severity: 'failed',
        seen: 'The project has no dispatch rule of the bridge: LiveKit puts none of its calls into a room',
        todo: 'Make trunk and rule',
        command: 'bridge provision'
      }
}

function second ({ what, id }: Change): Finding {
  const second = {
    severity: 'failed',
    seen: `${KIND[what]} ${id} is a second one of the bridge's: it competes with the first`,
    ...CURE
  } as const
  return what === 'trunk' ? { code: 'trunk-second', ...second } : { code: 'rule-second', ...second }
}

interface Drift {
  finding: Finding
  saidBy?: FindingCode[] | undefined
}

function drift (
  { what, id }: Change,
  { name, from, to }: FieldChange,
  { DIAL_TIMEOUT_S: dial }: Pick<Settings, 'DIAL_TIMEOUT_S'>
): Drift {
  const { code, severity, why, saidBy }: Meaning = (what === 'trunk' ? TRUNK : RULE)[name] ?? ELSE[what]
  // Before the dial's own end LiveKit says 486, which is none of Jambonz' doing.
  const early = code === 'trunk-ringing-timeout' && secondsOf(from) <= dial
  return {
    finding: {
      code,
      severity: early ? 'failed' : severity,
      seen: `${KIND[what]} ${id}: ${name} is ${from ?? '(none)'}, should be ${to}: ${
        early ? `LiveKit gives up (486) before the dial does, which rings for ${dial} s` : why
      }`,
      ...CURE
    },
    saidBy
  }
}

/** LiveKit's own ringing timeout, seconds (livekit/sip participant.go). */
const DEFAULT_RINGING_S = 180
const secondsOf = (text: string | undefined): number =>
  Number(/^"([\d.]+)s"$/.exec(text ?? '')?.[1] ?? DEFAULT_RINGING_S)

/** User name and password are one matter. */
const unique = (drifts: Drift[]): Drift[] =>
  drifts.filter(({ finding }, i) =>
    finding.code !== 'trunk-credentials' || drifts.findIndex(other => other.finding.code === finding.code) === i
  )
