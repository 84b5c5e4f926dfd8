import type { Cause } from '../calls/fold/vocabulary.ts'
import type { Finding } from '../finding.ts'
import { jambonzAccess } from '../jambonz/api.ts'
import { createJambonzRest } from '../jambonz/rest.ts'
import { verbConfigOf } from '../jambonz/verb-config.ts'
import { CATALOGUE } from '../diagnosis/causes-catalogue.ts'
import { accountApi, clean, refused, type AccountApi } from '../diagnosis/jambonz-account.ts'
import { planCall } from '../probe/room.ts'
import type { Check, DoctorContext } from './check.ts'
import { inRoom, NOBODY, waitUntil } from './in-room.ts'
import {
  WAITS_FOR_JAMBONZ_API,
  WAITS_FOR_LIVEKIT_API,
  WAITS_FOR_SIP_HOST,
  WAITS_FOR_TRUNK_AND_RULE
} from './waits-for.ts'

/**
 * For the INVITE to go through Jambonz' SBC and LiveKit's challenge, milliseconds; a host that does not answer takes
 * longer and is told as such.
 */
const WAIT_MS = 10_000
/** Making and deleting the room, and the end of the call. */
const AROUND_MS = 20_000
/** From of the call. */
const CALLER = 'bridge-doctor'

/**
 * Has Jambonz itself dial LiveKit as it would for a call, with the same URI and credentials: the only way to see what
 * its SBC's own egress meets. The room has no agent, so LiveKit rings and does not answer, nobody is called, and no
 * hook is invoked.
 */
export const jambonzCallCheck: Check = createJambonzCallCheck()

export function createJambonzCallCheck ({ waitMs = WAIT_MS } = {}): Check {
  return {
    name: 'jambonz-call',
    title: 'Does a call that Jambonz dials reach its room?',
    readOnly: false,
    limitMs: waitMs + AROUND_MS,
    waitsFor: [WAITS_FOR_LIVEKIT_API, ...WAITS_FOR_SIP_HOST, WAITS_FOR_TRUNK_AND_RULE, WAITS_FOR_JAMBONZ_API],
    async run (context, signal) {
      const { settings, clock } = context
      const access = jambonzAccess(settings)
      if (!access) {
        return [{
          code: 'jambonz-not-asked',
          severity: 'skipped',
          seen: 'Jambonz was not asked to dial LiveKit: the Jambonz REST settings are not set',
          todo: 'Set JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY'
        }]
      }
      const { room, token, uri } = planCall(settings, { now: clock.now() })
      return await inRoom(context, { ...room, agent: NOBODY }, async () => {
        const began = clock.now()
        // Not to be broken off: whoever places a call has to know which one, to end it.
        const placed = await accountApi(access).post('/Calls', callTo(uri, context, waitMs))
        if ('status' in placed) return [placedFinding(placed.status)]
        const callSid = String((placed.data as { sid?: unknown }).sid)
        try {
          return await outcome(context, signal, {
            api: accountApi(access, { signal }),
            callSid,
            room: room.name,
            token,
            began,
            waitMs
          })
        } finally {
          // By its time limit it ends anyway.
          await createJambonzRest(access).hangUp(callSid, 'no-answer').catch(() => false)
        }
      })
    }
  }
}

/**
 * What Jambonz' REST API is asked for (jambonz-api-server lib/routes/api/accounts.js, validateCreateCall). Hooks are
 * only invoked once it is answered.
 */
function callTo (uri: string, { settings }: Pick<DoctorContext, 'settings'>, waitMs: number) {
  const { sipAuth } = verbConfigOf(settings)
  return {
    from: CALLER,
    to: { type: 'sip', sipUri: uri, ...(sipAuth && { auth: sipAuth }) },
    timeout: Math.ceil(waitMs / 1000) + 5,
    // There is no such hook: should it be answered after all, it ends.
    call_hook: { url: `${settings.PUBLIC_URL}/doctor`, method: 'POST' },
    speech_synthesis_vendor: 'google',
    speech_synthesis_language: 'en-US',
    speech_synthesis_voice: 'en-US-Standard-C',
    speech_recognizer_vendor: 'google',
    speech_recognizer_language: 'en-US'
  }
}

interface Placed {
  api: AccountApi
  callSid: string
  room: string
  token: string
  began: number
  waitMs: number
}

/** What becomes of the call: it arrives in its room, or Jambonz reports its end, or neither. */
async function outcome (
  { rooms, clock }: DoctorContext,
  signal: AbortSignal,
  { api, callSid, room, token, began, waitMs }: Placed
): Promise<Finding[]> {
  let arrived = false
  let end: CallEnd | undefined
  await waitUntil(clock, waitMs, signal, async () => {
    arrived = (await rooms.look(room, { callSid: '', token })).sip !== undefined
    if (!arrived) end = endOf(await api.get(`/Calls/${encodeURIComponent(callSid)}`))
    return arrived || end !== undefined
  })
  const ms = clock.now() - began
  if (arrived) {
    return [{
      code: 'jambonz-call-arrives',
      severity: 'ok',
      seen: `Jambonz dialled LiveKit, and the call was in its room after ${ms} ms: SBC, host, credentials, trunk and ` +
        'rule fit together. Audio was not tried'
    }]
  }
  if (end) return [endFinding(end)]
  // Not waited for long enough to say anything.
  if (signal.aborted) return []
  return [{
    code: 'jambonz-call-lost',
    severity: 'failed',
    seen: `Jambonz dialled LiveKit, and the call was in no room of its own after ${Math.round(ms / 1000)} s`,
    todo: "Where the check of trunk and rule is fine, it is the way from Jambonz' SBC to LIVEKIT_SIP_HOST: DNS and " +
      "firewall there, or a host that takes the INVITE and is not this project's",
    command: 'bridge probe'
  }]
}

interface CallEnd {
  sipStatus: number | undefined
  reason: string | undefined
}

/** @returns undefined while it goes on, and where Jambonz does not tell */
function endOf (got: Awaited<ReturnType<AccountApi['get']>>): CallEnd | undefined {
  if ('status' in got) return undefined
  const { call_status: status, sip_status: sipStatus, sip_reason: reason } = got.data as Record<string, unknown>
  if (status !== 'failed' && status !== 'busy' && status !== 'no-answer') return undefined
  return { sipStatus: Number(sipStatus) || undefined, reason: typeof reason === 'string' ? clean(reason) : undefined }
}

const CAUSES: Record<number, Cause> = {
  400: 'media-mismatch',
  401: 'livekit-refused-credentials',
  404: 'livekit-no-route',
  407: 'livekit-refused-credentials',
  408: 'sip-unreachable',
  480: 'sip-unreachable',
  486: 'room-closed',
  488: 'media-mismatch',
  503: 'sip-unreachable'
}

function endFinding ({ sipStatus, reason }: CallEnd): Finding {
  const cause = CAUSES[sipStatus ?? 0] ?? 'livekit-failed'
  const { meaning, fix: [step] } = CATALOGUE[cause]
  return {
    code: cause,
    severity: 'failed',
    seen: `Jambonz dialled LiveKit and got ${[sipStatus, reason].filter(Boolean).join(' ') || 'no answer'}. ${meaning}`,
    ...step
  }
}

/** Jambonz did not place the call. */
function placedFinding (status: number | undefined): Finding {
  if (status === 480) {
    return {
      code: 'no-feature-server',
      severity: 'failed',
      seen: 'Jambonz has no feature server for a call: its REST API answered 480',
      todo: "Start one, or see why it is not registered in Jambonz' Redis"
    }
  }
  return refused('a call', status)
}
