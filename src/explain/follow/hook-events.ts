import { createHash } from 'node:crypto'
import type { CallEvent, CallHookEvent } from '../../calls/fold/events.ts'
import { actionEvent, callHookEvent, referCompleteEvent, referEvent, statusEvent } from '../../jambonz/events.ts'
import { addressTag } from '../lenient-sip.ts'
import { isLiveKitId } from '../livekit-id.ts'
import type { AnyHookBody, HookReply, HookSeen } from '../seen.ts'

/** A reply whose time was not logged came this long after its hook, milliseconds. */
const USUAL_REPLY_MS = 5

/**
 * What hooks mean to a call.
 * @param hooks in the order of time
 */
export function hookEvents (hooks: readonly HookSeen[], callSid: string): CallEvent[] {
  const attempts = attemptNumbers(hooks)
  const events = hooks.flatMap(hook => eventsOf(hook, callSid, attempts.get(hook) ?? 1))
  return isFromLiveKit(hooks) ? events.map(asAgentsCall) : events
}

/** What Jambonz takes for an inbound call is one that an agent makes. */
function asAgentsCall (event: CallEvent): CallEvent {
  if (!('facts' in event) || event.facts.direction !== 'inbound') return event
  return { ...event, facts: { ...event.facts, direction: 'agent' } }
}

/** Whether LiveKit made a call: its tag in the INVITE says so, or the name of the carrier through which it came. */
export const isFromLiveKit = (hooks: readonly HookSeen[]): boolean => hooks.some(({ body }) => {
  const { sip, originating_sip_trunk_name: trunk, parent_call_sid: parent }: AnyHookBody = body
  if (parent !== undefined) return false
  return isLiveKitId(addressTag(fromHeader(sip?.headers))) || /livekit/i.test(trunk ?? '')
})

function fromHeader (headers: Record<string, unknown> = {}): string | undefined {
  const value = Object.entries(headers).find(([name]) => name.toLowerCase() === 'from')?.[1]
  return typeof value === 'string' ? value : undefined
}

/** The number of the attempt that each call hook asks for. Call hooks of the same moment are repeats of one. */
function attemptNumbers (hooks: readonly HookSeen[]): Map<HookSeen, number> {
  const numbers = new Map<HookSeen, number>()
  let before = 0
  let simultaneous = 0
  let last: number | undefined
  for (const hook of hooks) {
    if (hook.hook !== 'call-hook') continue
    if (last !== undefined && (hook.at ?? 0) > last) {
      before += simultaneous
      simultaneous = 0
    }
    last = hook.at ?? 0
    simultaneous++
    numbers.set(hook, before + 1)
  }
  return numbers
}

function eventsOf (seen: HookSeen, callSid: string, attempt: number): CallEvent[] {
  const { at = 0 } = seen
  const hash = hashOf(seen.body)
  switch (seen.hook) {
    case 'status':
      return [{ ...statusEvent(seen.body), at }]
    case 'action':
      return [{ ...actionEvent({ ...seen.body, verb_id: dialId(seen.body.verb_id) }, hash), at }]
    case 'refer':
      return [{ ...referEvent(seen.body, hash), ...refusedBy(seen.reply), at }]
    case 'refer-complete':
      // Its event does not say which call it is about.
      return seen.body.call_sid === callSid ? [{ ...referCompleteEvent(seen.body, hash), at }] : []
    case 'call-hook':
      return callHookEvents({ ...callHookEvent(seen.body, hash, []), at }, seen.reply, attempt)
  }
}

/** A referHook that is answered with a failure refuses the transfer (feature-server lib/tasks/dial.js). */
const refusedBy = (reply: HookReply | undefined): { refused?: string } =>
  (reply?.status ?? 0) >= 300 ? { refused: `the referHook was answered ${reply?.status}` } : {}

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url')

/** The id of one of the bridge's dials. Dials of other applications have ids that mean something else. */
const dialId = (id: string | undefined): string | undefined =>
  id !== undefined && /^attempt-\d+$/.test(id) ? id : undefined

interface Verb {
  verb?: string
  status?: number
  reason?: string
}

/** A call hook and what it was answered with. */
function callHookEvents (event: CallHookEvent & { at: number }, reply: HookReply | undefined, n: number): CallEvent[] {
  const verb = firstVerb(reply)
  const at = reply?.at ?? event.at + USUAL_REPLY_MS
  switch (verb?.verb) {
    case 'sip:decline': {
      const { status = 480, reason = '' } = verb
      return [event, { kind: 'declined', hash: event.hash, cause: 'bridge-error', status, reason, at }]
    }
    case 'dial':
    case undefined:
      return [event, { kind: 'room', attempt: n, outcome: 'created', at }]
    default:
      // Verbs that connect nobody to LiveKit: another application has the call.
      return []
  }
}

function firstVerb (reply: HookReply | undefined): Verb | undefined {
  const verbs: unknown = reply?.verbs
  if (!Array.isArray(verbs) || verbs.length === 0) return undefined

  const [first] = verbs as unknown[]
  const { verb: name, status, reason } = (first ?? {}) as Record<string, unknown>
  return {
    verb: typeof name === 'string' ? name : '',
    ...(typeof status === 'number' && { status }),
    ...(typeof reason === 'string' && { reason })
  }
}
