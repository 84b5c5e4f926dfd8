import { completeForApi, completeForFeatureServer } from './create-call.ts'
import type { ApplicationSettings, CheckedCall, Refusal } from './create-call.ts'
import type { CreateCallFault, Faults } from './faults.ts'
import type { PlacedCall } from './outbound.ts'
import type { Payload } from './payloads.ts'
import type { Answer, Answered, RestRequest, RestRoute } from './rest.ts'
import { refusedByApi } from './update-call.ts'
import type { CallUpdate } from './update-call.ts'
import type { ParseVerbs } from './verbs.ts'

export interface CallHandlers {
  faults: Faults
  parse: ParseVerbs
  /** Receives what is asked about calls, and the answers. */
  show?: (from: 'bridge' | 'jambonz', what: string) => void
  /** The application with this id, or undefined when the account has none. */
  application(sid: string): ApplicationSettings | undefined
  /** @param released holds back the first status event until it resolves */
  create(request: CheckedCall, released?: Promise<void>): PlacedCall
  /** @returns how the feature server refuses it */
  update(callSid: string, update: CallUpdate): Refusal | undefined
  get(callSid: string): Payload | undefined
  list(): Payload[]
  forget(callSid: string): boolean
}

const FILTERS = ['direction', 'from', 'to'] as const

/**
 * `/Calls`: createCall, the list, one call, live call control, and DELETE, which only makes the API forget a call
 * (jambonz-api-server lib/routes/api/accounts.js). The list has both legs of every call, also after its end.
 */
export function callRoutes (handlers: CallHandlers): RestRoute {
  return async ({ method, path: [what, callSid, ...more], query, body }: RestRequest) => {
    if (what !== 'Calls' || more.length > 0) return undefined
    if (callSid === undefined) {
      if (method === 'GET') return { status: 200, body: handlers.list().filter(call => isWanted(call, query)) }
      if (method !== 'POST') return undefined
      return await shown(handlers, 'createCall', () => createCall(handlers, body as Record<string, unknown>))
    }

    if (!isUuid(callSid)) return { status: 400, body: { msg: 'Bad request' } }
    const call = handlers.get(callSid)
    if (method === 'GET') return call === undefined ? { status: 404 } : { status: 200, body: call }
    if (method === 'DELETE') return { status: handlers.forget(callSid) ? 204 : 404 }
    if (method !== 'POST' && method !== 'PUT') return undefined

    const update = body as CallUpdate
    return await shown(handlers, `updateCall ${kindOf(update)}`.trim(), () =>
      refusedByApi(body as Record<string, unknown>) ??
      (call === undefined ? { status: 404 } : handlers.update(callSid, update) ?? { status: 202 }))
  }
}

async function shown (
  { show }: CallHandlers,
  what: string,
  serve: () => Promise<Answered> | Answered
): Promise<Answered> {
  show?.('bridge', what)
  const answered = await serve()
  show?.('jambonz', `${typeof answered === 'string' ? 'no reply' : answered.status} ${what}`)
  return answered
}

function isWanted (call: Payload, query: URLSearchParams): boolean {
  const status = query.get('callStatus')
  return FILTERS.every(name => !query.get(name) || query.get(name) === call[name]) &&
    (!status || status === call['call_status'])
}

async function createCall (handlers: CallHandlers, body: Record<string, unknown>): Promise<Answered> {
  const { faults, parse } = handlers
  if (faults.noFeatureServer === true) {
    return { status: 480, body: { msg: 'no available feature servers at this time' } }
  }
  const complete = completeForApi(body ?? {}, handlers.application)
  if ('status' in complete) return complete

  const checked = completeForFeatureServer(complete.request, parse)
  // The API server passes nothing on of what the feature server says.
  if ('status' in checked) return { status: 500 }
  const { request } = checked
  const fault = typeof faults.createCall === 'function' ? faults.createCall(request) : faults.createCall
  if (fault === undefined) return await place(handlers, request)
  if (fault.isPlaced) handlers.create(request)
  return faulty(fault)
}

async function place ({ create, faults }: CallHandlers, request: CheckedCall): Promise<Answer> {
  if (faults.createCallAnswers === 'before-status') {
    let sent = (): void => {}
    const released = new Promise<void>(resolve => {
      sent = resolve
    })
    const { sid, callId } = create(request, released)
    return { status: 201, body: { sid, callId }, sent }
  }
  const { sid, callId, firstStatus } = create(request)
  if (faults.createCallAnswers === 'after-status') await firstStatus
  return { status: 201, body: { sid, callId } }
}

function faulty ({ answer }: CreateCallFault): Answered {
  if (answer === 500) return { status: 500 }
  return answer === 'hang' ? 'hang' : 'refuse'
}

/** What an update asks for, without its addresses and digits. */
const kindOf = ({ call_status: status, call_hook: hook, dtmf }: CallUpdate): string =>
  status ?? (hook === undefined ? dtmf && 'dtmf' : 'call_hook') ?? ''

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
