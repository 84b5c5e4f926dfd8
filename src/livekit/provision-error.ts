import { ServerError } from 'livekit-server-sdk'
import type { Finding } from '../diagnosis/finding.ts'

export type ProvisionReason =
  'unreachable' | 'not-livekit' | 'not-allowed' | 'no-sip-rights' | 'clock' | 'no-redis' | 'gone' |
  'trunk-conflict' | 'rule-conflict' | 'prefix-conflict' | 'refused' | 'interrupted' | 'unsettled'

/**
 * LiveKit did not take the trunk or the rule, or could not be asked. The finding says what to do and never carries
 * credentials: LiveKit's own text for a bad key contains the token, so for 401 neither that text nor the error is passed on.
 */
export class ProvisionError extends Error {
  readonly reason: ProvisionReason
  readonly finding: Finding
  constructor (reason: ProvisionReason, finding: Omit<Finding, 'severity'>, cause?: unknown) {
    super([finding.seen, finding.todo].filter(part => part !== undefined).join('. '), cause === undefined ? undefined : { cause })
    this.name = 'ProvisionError'
    this.reason = reason
    this.finding = { severity: 'failed', ...finding }
  }
}

const LOOK_AT_LIST = 'bridge provision --list'

/** What a failed request to LiveKit's SIP service means. Texts and statuses as livekit-server 1.13 sends them; transport errors as the SDK hands them on. */
export function explained (error: unknown): ProvisionError {
  if (error instanceof ProvisionError) return error
  if (!(error instanceof ServerError)) return unanswered(error)
  const { status, message } = error
  if (status === 401 || status === 403) return notAllowed(status, message)
  const id = /"((?:ST|SDR)_[A-Za-z0-9]+)"/.exec(message.replace(/^[^]*? and /, ''))?.[1] ?? 'unknown'
  if (message.includes('Conflicting inbound SIP Trunks')) {
    return new ProvisionError('trunk-conflict', {
      code: 'trunk-conflict',
      seen: `LiveKit allows one inbound trunk that takes every number, and this project has another one: ${id}`,
      todo: 'Look at it, then delete it, give it the numbers it is for, let the bridge take it over, or use a LiveKit project of its own for the bridge',
      command: LOOK_AT_LIST
    }, error)
  }
  if (message.includes('Dispatch rule for the same trunk')) {
    return new ProvisionError('rule-conflict', {
      code: 'rule-conflict',
      seen: `The bridge's trunk already has a dispatch rule that is not the bridge's: ${id}`,
      todo: 'Look at it, then delete it, bind it to another trunk, or let the bridge take it over',
      command: LOOK_AT_LIST
    }, error)
  }
  if (message.includes('redis required')) {
    return new ProvisionError('no-redis', {
      code: 'livekit-without-redis',
      seen: 'LiveKit runs without Redis, which its SIP service needs',
      todo: 'Set redis.address in the configuration of livekit-server and of livekit-sip'
    }, error)
  }
  if (status === 404 && error.code === 'not_found') {
    return new ProvisionError('gone', { code: 'livekit-object-gone', seen: 'LiveKit no longer has the object', todo: 'Somebody deleted it meanwhile: run it again' }, error)
  }
  if (status === 404 || status === 405) return notLiveKit(`HTTP ${status}`, error)
  if (status >= 500) {
    return new ProvisionError('unreachable', { code: 'livekit-unreachable', seen: `LiveKit cannot do it now: ${status} ${message}`, todo: 'Look at LiveKit\'s own log or status page, then run it again' }, error)
  }
  return new ProvisionError('refused', { code: 'livekit-refused', seen: `LiveKit refuses: ${status} ${message}`, todo: 'Compare the trunk and the rule with what LiveKit says', command: LOOK_AT_LIST }, error)
}

function notAllowed (status: number, message: string): ProvisionError {
  if (/permission|not allowed|forbidden/i.test(message) || status === 403) {
    return new ProvisionError('no-sip-rights', {
      code: 'livekit-key-without-sip',
      seen: 'LiveKit knows the API key but does not let it administer SIP',
      todo: 'Make an API key of this project that may administer SIP and put it into LIVEKIT_API_KEY and LIVEKIT_API_SECRET'
    })
  }
  if (/expired|not valid yet|used before issued/i.test(message)) {
    return new ProvisionError('clock', { code: 'clock-skew', seen: 'LiveKit finds the token expired or not valid yet', todo: 'Set the clock of this machine: it differs from LiveKit\'s by more than a minute', command: 'timedatectl' })
  }
  return new ProvisionError('not-allowed', {
    code: 'livekit-key-refused',
    seen: message.startsWith('invalid API key') ? 'LiveKit does not know the API key' : 'LiveKit refuses the API key or its secret',
    todo: 'Check that LIVEKIT_API_KEY and LIVEKIT_API_SECRET are a pair of the project of LIVEKIT_URL, and the clock of this machine'
  })
}

function unanswered (error: unknown): ProvisionError {
  const { name, cause, message } = error as Error & { cause?: { code?: string } }
  if (name === 'TimeoutError' || name === 'AbortError') {
    return new ProvisionError('unreachable', { code: 'livekit-unreachable', seen: 'LiveKit does not answer in time', todo: 'Check LIVEKIT_URL, the network in between, and that the server runs' }, error)
  }
  if (error instanceof SyntaxError || message?.startsWith('cannot decode')) return notLiveKit('something that is not LiveKit\'s API', error)
  return new ProvisionError('unreachable', {
    code: 'livekit-unreachable',
    seen: `LiveKit does not answer${cause?.code === undefined ? '' : ` (${cause.code})`}`,
    todo: 'Check LIVEKIT_URL, the network in between, and that the server runs'
  }, error)
}

function notLiveKit (what: string, error: unknown): ProvisionError {
  return new ProvisionError('not-livekit', { code: 'not-livekit', seen: `The server of LIVEKIT_URL answers with ${what}`, todo: 'LIVEKIT_URL must be the address of a LiveKit server that knows SIP, like wss://myproject-1a2b3c4d.livekit.cloud' }, error)
}
