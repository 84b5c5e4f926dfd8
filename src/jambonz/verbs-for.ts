import { ringSOf } from '../calls/fold/attempt-facts.ts'
import { timeLimitOf } from '../calls/fold/rules.ts'
import { findTransfer } from '../calls/fold/transfers.ts'
import { ANONYMOUS, UNAVAILABLE, unavailableOf, type Attempt, type Call, type Reply } from '../calls/fold/call.ts'
import { announcementOf, dialOf } from '../routing/strategies.ts'
import { remoteNumber } from './caller.ts'
import { screenDigitHookOf } from './transfer-hooks.ts'
import { HOOK_RETRY, type VerbConfig } from './verb-config.ts'
import { decline, hangUpAfter, type Dial, type Verbs } from './verbs.ts'

/** Builds the verbs of a reply from the stored call: the same call gives the same verbs, however often it is asked. */
export function verbsFor (call: Call, reply: Reply, config: VerbConfig): Verbs {
  switch (reply.kind) {
    case 'nothing':
    case 'forbid':
      return []
    case 'hangup':
      return reply.afterS === undefined ? [{ verb: 'hangup' }] : hangUpAfter(reply.afterS)
    case 'decline':
      return isAnswered(call) ? hangUpAfter(1) : decline(reply.status, reply.reason)
    case 'refer':
      return [
        {
          verb: 'sip:refer',
          referTo: referToOf(reply.to),
          ...(reply.referredBy ? { referredBy: reply.referredBy } : {}),
          actionHook: `${config.publicUrl}/refer-complete?call=${encodeURIComponent(call.callSid)}${HOOK_RETRY}`
        },
        ...(reply.hangUp ? [{ verb: 'hangup' as const }] : [])
      ]
    case 'screen':
      return screenVerbs(call, reply.transfer, config)
    case 'accept':
      return [{ verb: 'config' }]
    case 'dial': {
      const attempt = call.attempts.find(attempt => attempt.n === reply.attempt)
      const unavailable = unavailableOf(call)
      const otherwise = isAnswered(call) ? hangUpAfter(1) : decline(unavailable.status, unavailable.reason)
      // Without a verb behind it, a failed dial leaves an unanswered caller leg without any terminal status.
      return attempt ? [dialFor(call, attempt, config), ...otherwise] : otherwise
    }
    case 'announce': {
      const attempt = call.attempts.find(attempt => attempt.n === reply.attempt)
      const announcement = attempt && announcementOf(attempt)
      if (!attempt || !announcement) return [{ verb: 'hangup' }]
      // A redirect asks what is next, or says that the announcement is over: without a status hook nothing else does.
      const actionHook = actionHookOf(call, attempt, config)
      const next = { verb: 'redirect' as const, id: dialId(attempt.n), actionHook }
      return [
        announcement,
        next,
        { verb: 'hangup' },
        // Without a media server the caller is not answered, and feature-server skips the hang-up. With the decline a
        // status event reports the end.
        ...decline(UNAVAILABLE.status, UNAVAILABLE.reason)
      ]
    }
  }
}

/** feature-server knows no `sips:` and would take it for a user; what is in angle brackets it leaves alone. */
const referToOf = (target: string): string => target.startsWith('sips:') ? `<${target}>` : target

/** How long a person may think before pressing a key, seconds. The caller hears the ring tone meanwhile. */
const SCREEN_S = 8

/**
 * The person hears who calls, and presses a key. Without one, or when the person has hung up, the gather runs until its
 * time is over (recorded on feature-server 0.9.8), so that time is short.
 */
function screenVerbs (call: Call, id: string, config: VerbConfig): Verbs {
  const prompt = findTransfer(call, id)?.request?.prompt
  if (!prompt) return [{ verb: 'hangup' }]
  const { language } = 'say' in prompt ? prompt : {}
  const heard = 'play' in prompt
    ? { play: { url: prompt.play } }
    : { say: { text: prompt.say, ...(language ? { synthesizer: { vendor: 'default', language } } : {}) } }
  return [
    {
      verb: 'gather',
      input: ['digits'],
      numDigits: 1,
      timeout: SCREEN_S,
      actionHook: screenDigitHookOf(call, id, config),
      ...heard
    },
    { verb: 'hangup' }
  ]
}

/** The session began with an answered leg: feature-server throws on `sip:decline` there. */
const isAnswered = ({ facts }: Call): boolean => facts.direction === 'outbound'

function dialFor (call: Call, attempt: Attempt, config: VerbConfig): Dial {
  const callerId = call.facts.withheld ? ANONYMOUS : remoteNumber(call.facts)
  return {
    verb: 'dial',
    id: dialId(attempt.n),
    actionHook: actionHookOf(call, attempt, config),
    answerOnBridge: true,
    anchorMedia: true,
    timeout: ringSOf(attempt, config.dialTimeoutS),
    timeLimit: timeLimitOf(call, config, attempt),
    // An empty or null callerId makes feature-server refuse the whole application.
    ...(callerId ? { callerId } : {}),
    headers: headersOf(call, attempt),
    ...dialOf(call, attempt, config)!
  }
}

/**
 * What LiveKit shows as attributes of the SIP participant (`sip.h.x-lk-call`). The agent of a warm room could not know
 * who would call: it learns that from the participant too, in case the metadata of the room are not there yet.
 */
function headersOf ({ callSid, facts }: Call, attempt: Attempt): Record<string, string> {
  const caller = attempt.warm ? { 'X-LK-From': facts.withheld ? ANONYMOUS : facts.from, 'X-LK-To': facts.to } : {}
  const sendable = Object.entries(caller).filter(([, value]) => SENDABLE.test(value))
  return { 'X-LK-Call': callSid, ...Object.fromEntries(sendable) }
}

/** What a SIP header may hold without any encoding. It may not be empty. */
const SENDABLE = /^[\x20-\x7e]*[\x21-\x7e]$/

const actionHookOf = (call: Call, attempt: Attempt, { publicUrl }: VerbConfig): string =>
  `${publicUrl}/action?call=${encodeURIComponent(call.callSid)}&attempt=${attempt.n}${HOOK_RETRY}`

/** Our dial's id, which comes back as `verb_id`. */
export const dialId = (attempt: number): string => `attempt-${attempt}`

/** The attempt that a `verb_id` names; undefined when it is none of ours. */
export function attemptOfDialId (verbId: string | undefined): number | undefined {
  const match = /^attempt-(\d{1,6})$/.exec(verbId ?? '')
  return match ? Number(match[1]) : undefined
}
