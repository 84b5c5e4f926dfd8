import type { Placement } from '../calls/ports.ts'
import type { Order } from '../calls/fold/order.ts'
import { cleanText } from '../clean-text.ts'
import { applicationHooks } from '../provisioning/jambonz-application.ts'
import { amdOf } from './amd.ts'
import type { OrderTags } from './order-tag.ts'
import type { RestAnswer } from './rest-request.ts'

/** What an installation adds to every order. */
export interface CreateCallContext {
  publicUrl: string
  /** Basic authentication of the hooks. */
  basic?: { username: string, password: string }
  tags: OrderTags
  /** Absent where the REST API has no applications. */
  applicationSid?: string
}

/**
 * The body of createCall (jambonz-api-server lib/routes/api/accounts.js; feature-server refuses any other property).
 * The hooks of an application win over those in the body.
 */
export function createCallBody (order: Order, { publicUrl, basic, tags, applicationSid }: CreateCallContext): object {
  const { callHook, statusHook } = applicationHooks(publicUrl)
  const amd = amdOf(order, { publicUrl: publicUrl.replace(/\/+$/, '') })
  const hasApplication = applicationSid !== undefined && UUID.test(applicationSid)

  return {
    ...(hasApplication ? { application_sid: applicationSid } : WITHOUT_APPLICATION),
    call_hook: { url: callHook, method: 'POST', ...basic },
    call_status_hook: { url: statusHook, method: 'POST', ...basic },
    from: order.from,
    to: { type: 'phone', number: order.to, ...(order.carrier === undefined ? {} : { trunk: order.carrier }) },
    timeout: order.ringS,
    timeLimit: order.longestS,
    tag: tags.tagOf(order),
    ...(order.headers && { headers: order.headers }),
    ...(order.callerName === undefined ? {} : { callerName: order.callerName }),
    ...(amd && { amd })
  }
}

/** feature-server refuses any other application_sid (lib/http-routes/schemas/create-call.js). */
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Jambonz wants these of a call without an application. Nothing of ours speaks or listens with them. */
const WITHOUT_APPLICATION = {
  speech_synthesis_vendor: 'google',
  speech_synthesis_language: 'en-US',
  speech_synthesis_voice: 'en-US-Standard-C',
  speech_recognizer_vendor: 'google',
  speech_recognizer_language: 'en-US'
}

/** Statuses of the 400s that do not prove that nothing was done: somebody before Jambonz did not wait. */
const PROVES_NOTHING: ReadonlySet<number> = new Set([408, 425, 499])
/** Redirects that are not followed: what was asked was not done there. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 307, 308])

/**
 * What an answer to createCall means. The API server answers 500 also when the feature server took the call, and a
 * proxy's 502 or 504 tells nothing of Jambonz.
 */
export function placementOf ({ status, text }: RestAnswer, secrets: readonly string[]): Placement {
  const callSid = status === 201 ? sidOf(text) : undefined
  if (callSid !== undefined) return { outcome: 'placed', callSid }

  const detail = saidBy(text, secrets)
  const isRefusal = status >= 400 && status < 500 && !PROVES_NOTHING.has(status)
  if (isRefusal) return { outcome: 'refused', status, detail }
  if (REDIRECTS.has(status)) {
    return { outcome: 'refused', status, detail: 'redirected: set JAMBONZ_REST_API_BASE_URL to the final address' }
  }
  return { outcome: 'unknown', status, detail: status === 201 ? 'no usable sid in the answer' : detail }
}

/** Form of a call_sid, which becomes part of keys and of addresses. Jambonz' are UUIDs. */
const CALL_SID = /^[A-Za-z0-9_-]{1,64}$/

function sidOf (text: string): string | undefined {
  const { sid } = jsonOf(text)
  return typeof sid === 'string' && CALL_SID.test(sid) ? sid : undefined
}

const LONGEST_DETAIL = 200
/** Whatever may be a phone number. Ids of Jambonz are no numbers. */
const NUMBER = /(?<![\w-])\+?\d[\d\s().-]{4,}\d(?![\w-])/g

/** What Jambonz said, in one short line without numbers and secrets. */
export function saidBy (text: string, secrets: readonly string[]): string {
  const { msg, errors } = jsonOf(text)
  const said = typeof msg === 'string' ? msg : fieldsOf(errors)
  const known = secrets.filter(secret => secret !== '').reduce((line, secret) => line.replaceAll(secret, '…'), said)
  return cleanText(known).replace(NUMBER, '…').trim().slice(0, LONGEST_DETAIL)
}

/** Express-validator's list of what is wrong with which field. */
function fieldsOf (errors: unknown): string {
  if (!Array.isArray(errors)) return ''
  const texts = errors.slice(0, 10).map((error: { msg?: unknown } | null) => error?.msg)
  return [...new Set(texts.filter(text => typeof text === 'string'))].join(', ')
}

function jsonOf (text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
  } catch {
    return {}
  }
}
