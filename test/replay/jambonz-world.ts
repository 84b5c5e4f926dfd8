import type { Clock } from '../../src/clock.ts'
import { isJson, text, type Json } from './json.ts'
import { pathOf, type RecordedOrder } from './recording.ts'

/** What an order is known by to whoever places it. */
export const referenceOf = (callSid: string): string => `reference-of-${callSid}`

/** The reference of the order that a createCall is for: the bridge's tag has it. */
export const referenceIn = (createCall: Json): string | undefined => text(termsOf(createCall)['reference'])

/** The call of the caller to whom the person is called whom a createCall is for: the bridge's tag has it. */
export function callerIn (createCall: Json): string | undefined {
  const { transfer } = termsOf(createCall)
  return isJson(transfer) ? text(transfer['callSid']) : undefined
}

function termsOf (createCall: Json): Json {
  const tag = isJson(createCall['tag']) ? createCall['tag'] : {}
  try {
    const terms: unknown = JSON.parse(text(tag['terms']) ?? '')
    return isJson(terms) ? terms : {}
  } catch {
    return {}
  }
}

/** A request of the bridge to Jambonz' REST API. */
export interface RestRequest {
  at: number
  method: string
  /** Below the account. */
  path: string
  body: Json
  /** 0: no answer came. */
  status: number
}

export interface RestReply {
  status: number
  body: unknown
}

/** The first leg of a call, as Jambonz knows it. */
interface Leg {
  /** Absent: somebody called. */
  order?: RecordedOrder
  callSid: string
  tag: unknown
  state: 'dialing' | 'answered' | 'over'
}

export interface JambonzWorldOptions {
  clock: Clock
  /** The recorded orders, with the ids that their calls and those of their callers have here. */
  orders: Array<{ order: RecordedOrder, callSid: string, callerSid?: string }>
  /** How much later than recorded createCall is answered, milliseconds; `lost`: the connection breaks instead. */
  answerDelay: number | 'lost'
  /** Jambonz ends a leg because the bridge asked for it: what its hooks would say. */
  onHungUp(callSid: string, status: 'completed' | 'no-answer'): void
}

/**
 * Jambonz' REST API as far as the bridge asks it: createCall with the recorded answer, updateCall with the answers that
 * fit the leg's state (servers.md A), and the lists.
 */
export class JambonzWorld {
  readonly requests: RestRequest[] = []
  readonly #options: JambonzWorldOptions
  readonly #legs = new Map<string, Leg>()
  readonly #awaited = new Map<string, () => void>()
  /** Where Jambonz is to ask what to do with a leg, oldest first. */
  readonly #redirects = new Map<string, string[]>()

  constructor (options: JambonzWorldOptions) {
    this.#options = options
  }

  /** The `tag` that a call was placed with; undefined: nobody has placed it. */
  tagOf (callSid: string): unknown {
    return this.#legs.get(callSid)?.tag
  }

  /** Resolves when createCall of this call comes. */
  arrival (callSid: string): Promise<void> {
    return new Promise(resolve => this.#awaited.set(callSid, resolve))
  }

  /** Somebody calls. */
  begin (callSid: string): void {
    this.#legs.set(callSid, { callSid, tag: undefined, state: 'dialing' })
  }

  /** The call is over. */
  end (callSid: string): void {
    const leg = this.#legs.get(callSid)
    if (leg) leg.state = 'over'
  }

  /** Takes the next request to redirect the first leg of a call: the hook's path and query. */
  takeRedirect (callSid: string): string | undefined {
    return this.#redirects.get(callSid)?.shift()
  }

  isPlaced (callSid: string): boolean {
    return this.#legs.has(callSid)
  }

  /** Calls whose first leg is still up, or rings. */
  get open (): string[] {
    return [...this.#legs.values()].filter(isUp).map(({ callSid }) => callSid)
  }

  /** A recorded hook says how the leg is now. */
  saw (callSid: string, callStatus: string): void {
    const leg = this.#legs.get(callSid)
    if (!leg || leg.state === 'over') return
    if (callStatus === 'in-progress') leg.state = 'answered'
    if (['completed', 'failed', 'busy', 'no-answer'].includes(callStatus)) leg.state = 'over'
  }

  /** @param url path and query, from the account on */
  async ask (method: string, url: string, body: Json): Promise<RestReply | 'lost'> {
    const path = url.replace(/^\/Accounts\/[^/]+/, '').replace(/\?.*/, '')
    const request: RestRequest = { at: this.#options.clock.now(), method, path, body, status: 0 }
    this.requests.push(request)
    const reply = await this.#answer(method, path, body)
    if (reply !== 'lost') request.status = reply.status
    return reply
  }

  async #answer (method: string, path: string, body: Json): Promise<RestReply | 'lost'> {
    const callSid = /^\/Calls\/([^/]+)$/.exec(path)?.[1]
    if (method === 'POST' && path === '/Calls') return this.#createCall(body)
    if (callSid !== undefined && (method === 'PUT' || method === 'POST')) return this.#updateCall(callSid, body)
    if (callSid !== undefined) {
      const leg = this.#legs.get(callSid)
      return leg && leg.state !== 'over' ? { status: 200, body: shown(leg) } : { status: 404, body: '' }
    }
    if (path === '/Calls') return { status: 200, body: [...this.#legs.values()].filter(isUp).map(shown) }
    if (path.endsWith('VoipCarriers')) return { status: 200, body: [{ voip_carrier_sid: 'vc-1', name: 'MyCarrier' }] }
    if (path.startsWith('/Applications')) return { status: 200, body: [] }
    return { status: 404, body: { msg: 'not found' } }
  }

  async #createCall (body: Json): Promise<RestReply | 'lost'> {
    const { orders, clock, answerDelay } = this.#options
    const caller = callerIn(body)
    const wanted = orders.find(({ callSid, callerSid }) => caller === undefined
      ? referenceOf(callSid) === referenceIn(body)
      : callerSid === caller && !this.#legs.has(callSid))
    if (!wanted) return { status: 500, body: { msg: 'this call was not recorded' } }
    const { order, callSid } = wanted
    this.#legs.set(callSid, { order, callSid, tag: body['tag'], state: 'dialing' })
    this.#awaited.get(callSid)?.()
    const delay = order.answeredAt - order.at + (answerDelay === 'lost' ? 0 : answerDelay)
    await new Promise<void>(resolve => clock.schedule(delay, resolve))
    if (answerDelay === 'lost') return 'lost'
    return { status: 201, body: { sid: callSid, callId: `call-id-of-${callSid}` } }
  }

  #updateCall (callSid: string, body: Json): RestReply {
    const leg = this.#legs.get(callSid)
    const status = body['call_status']
    const hook = body['call_hook']
    if (leg && leg.state !== 'over' && isJson(hook)) {
      const path = pathOf(text(hook['url']) ?? '')
      this.#redirects.set(callSid, [...this.#redirects.get(callSid) ?? [], path])
    }
    if (!leg || leg.state === 'over') return { status: 422, body: `call session is gone for call_sid ${callSid}` }
    if (status !== 'completed' && status !== 'no-answer') return { status: 202, body: 'Accepted' }
    if ((leg.state === 'answered') !== (status === 'completed')) {
      const msg = `current call state is incompatible with requested action for call_sid ${callSid}`
      return { status: 422, body: msg }
    }
    leg.state = 'over'
    this.#options.onHungUp(callSid, status)
    return { status: 202, body: 'Accepted' }
  }
}

const isUp = ({ state }: Leg): boolean => state !== 'over'

/** A call as the list shows it: without what it was tagged with (realtimedb-helpers keeps no objects). */
const shown = ({ callSid, order, state }: Leg): Json => ({
  call_sid: callSid,
  direction: order ? 'outbound' : 'inbound',
  from: order?.from,
  to: order?.to,
  application_sid: APPLICATION_SID,
  call_status: state === 'answered' ? 'in-progress' : 'ringing'
})

/** The application with which calls are placed. */
export const APPLICATION_SID = '0e0681b0-d49f-4fb8-b973-b5a3c6758de1'
