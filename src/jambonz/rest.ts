import type { CallControl } from '../calls/ports.ts'
import { systemClock } from '../clock.ts'
import { accountPath, type JambonzAccess } from './api.ts'
import { createRestSender, NoAnswerError, type RestAnswer } from './rest-request.ts'
import { RestQueue, RestQueueError, type RestKind } from './rest-queue.ts'
import { redirectHookOf } from './transfer-hooks.ts'

/** A failed request to Jambonz's REST API; says the status, never the key. */
export class JambonzRestError extends Error {
  readonly status: number | undefined
  constructor (status: number | undefined, why = 'cannot be reached') {
    super(`The Jambonz REST API ${status === undefined ? why : `answered ${status}`}`)
    this.name = 'JambonzRestError'
    this.status = status
  }
}

/** Turns whatever kept a request from being answered into an error that may be logged. */
export function restError (error: unknown): unknown {
  if (error instanceof NoAnswerError) return new JambonzRestError(undefined, `cannot be reached (${error.code})`)
  if (error instanceof RestQueueError) return new JambonzRestError(undefined, 'is asked too often')
  return error
}

const TIMEOUT_MS = 5000

/** What Jambonz needs to send its hooks here. */
export interface CallControlContext {
  publicUrl: string
  /** Basic authentication of the hooks. */
  basic?: { username: string, password: string } | undefined
}

/**
 * Live call control (jambonz-api-server lib/routes/api/accounts.js, which passes on what the feature server says). Its
 * methods reject with {@link JambonzRestError}.
 */
export function createCallControl (
  access: JambonzAccess,
  queue: Pick<RestQueue, 'ask'>,
  { publicUrl, basic }: CallControlContext = { publicUrl: '' }
): CallControl {
  const underWay = new Map<string, Promise<boolean>>()

  async function update (kind: RestKind, callSid: string, body: object): Promise<boolean> {
    const reply = await queue.ask({
      kind,
      method: 'PUT',
      path: `${accountPath(access.accountSid)}/Calls/${encodeURIComponent(callSid)}`,
      body,
      timeoutMs: TIMEOUT_MS
    }).catch((error: unknown) => {
      throw restError(error)
    })
    if (isGone(reply)) return false
    if (reply.status < 200 || reply.status > 299) throw new JambonzRestError(reply.status)
    return true
  }

  return {
    hangUp (callSid, status) {
      // A call may ask again while the request still waits for its turn.
      const key = `${status} ${callSid}`
      const asked = underWay.get(key) ??
        update('hang-up', callSid, { call_status: status }).finally(() => underWay.delete(key))
      underWay.set(key, asked)
      return asked
    },
    redirect (callSid, transfer, n) {
      const url = redirectHookOf(callSid, transfer, n, { publicUrl: publicUrl.replace(/\/+$/, '') })
      return update('redirect', callSid, { call_hook: { url, method: 'POST', ...basic } })
    }
  }
}

/**
 * Whether Jambonz does not know the call any more. The API server says 404 when its record is gone, the feature server
 * 422 before that. It says 422 also when the status does not fit the state of the call.
 */
export const isGone = ({ status, text }: RestAnswer): boolean =>
  status === 404 || (status === 422 && text.includes('call session is gone'))

/** Call control for a process that places no calls, such as the command line. */
export function createJambonzRest (access: JambonzAccess): CallControl {
  const clock = systemClock
  return createCallControl(access, new RestQueue({ sender: createRestSender(access, clock, 1), perMinute: 60, clock }))
}
