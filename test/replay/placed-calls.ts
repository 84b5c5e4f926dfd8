import { OPERATOR_TOKEN, type Bridge } from './bridge.ts'
import type { ReplayClock } from './clock.ts'
import { finalsOf } from './hung-up.ts'
import { JambonzWorld, referenceOf } from './jambonz-world.ts'
import { jsons, text, type Json } from './json.ts'
import type { Names } from './names.ts'
import { field, FINAL_STATUSES, type Hook, type RecordedOrder, type Recording } from './recording.ts'
import type { Variant } from './variant.ts'

/** A request to the operator API that placed or ended a call, and what came back. */
export interface Asked {
  what: 'order' | 'hang-up'
  callSid: string
  status: number
  text: string
}

export interface PlacedCallsOptions {
  recording: Recording
  names: Names
  clock: ReplayClock
  variant: Variant
  bridge(): Bridge | undefined
  /** The recorded hooks that were sent until now. */
  played(): Hook[]
  /** Takes work that is waited for. */
  begin(work: Promise<void>): void
  /** Sends hooks that were not recorded. */
  send(hooks: Hook[]): void
}

/** The calls of a recording that the bridge is asked to place, and the Jambonz that places them. */
export class PlacedCalls {
  readonly jambonz: JambonzWorld
  readonly asked: Asked[] = []
  readonly #options: PlacedCallsOptions
  /** Calls that Jambonz ended at the bridge's asking: nothing else that was recorded of them happens. */
  readonly #ended = new Set<string>()
  /** Orders on their way to Jambonz. */
  readonly #underWay = new Set<Promise<void>>()

  constructor (options: PlacedCallsOptions) {
    this.#options = options
    const { clock, recording: { orders }, names, variant } = options
    this.jambonz = new JambonzWorld({
      clock,
      orders: orders.map(order => ({ order, callSid: names.call(order.callSid) })),
      answerDelay: variant.answerDelay ?? 0,
      onHungUp: (callSid, status) => this.#hungUp(callSid, status)
    })
  }

  /** The `call_sid` in this run of every call that is to be placed. */
  get callSids (): string[] {
    const { recording, names } = this.#options
    return recording.orders.map(({ callSid }) => names.call(callSid))
  }

  /** Orders and hang-ups at their time, and what Jambonz itself sees of the legs, whether it tells or not. */
  steps (): Array<{ at: number, run: () => unknown }> {
    const { orders, hangUps, hooks } = this.#options.recording
    if (orders.length === 0) return []
    return [
      ...orders.map(order => ({ at: order.at, run: () => this.#place(order) })),
      ...hangUps.map(({ at, callSid }) => ({ at, run: () => this.#hangUp(callSid) })),
      ...hooks.map(hook => ({ at: hook.at, run: () => this.#saw(hook) }))
    ]
  }

  /** Waits until what was ordered has come to Jambonz. @returns how long that took, milliseconds */
  async lateness (): Promise<number> {
    const { clock } = this.#options
    const began = clock.now()
    await Promise.all(this.#underWay)
    this.#underWay.clear()
    return clock.now() - began
  }

  /** Whether there is such a call: one that is to be placed begins when it was. */
  exists (recordedSid: string): boolean {
    const { recording, names } = this.#options
    const isOrdered = recording.orders.some(({ callSid }) => callSid === recordedSid)
    return !isOrdered || this.jambonz.isPlaced(names.call(recordedSid))
  }

  /** Whether a recorded hook happens: its call was placed, and it is not over because the bridge ended it. */
  happens ({ body }: Hook): boolean {
    if (this.#options.recording.orders.length === 0) return true
    const callSid = this.#callOf(body)
    return this.jambonz.isPlaced(callSid) && !this.#ended.has(callSid)
  }

  /** Hooks of the leg that createCall dialled bring back the tag that the bridge gave it. */
  tagged (body: string): string {
    const callSid = field(body, 'call_sid') ?? ''
    if (!this.jambonz.isPlaced(callSid)) return body
    return JSON.stringify({ ...JSON.parse(body) as Json, customerData: this.jambonz.tagOf(callSid) })
  }

  #saw (hook: Hook): void {
    const { body } = hook
    if (field(body, 'parent_call_sid') !== undefined || !this.happens(hook)) return
    this.jambonz.saw(this.#callOf(body), field(body, 'call_status') ?? '')
  }

  #place (order: RecordedOrder): void {
    const { from, to, carrier, ringS, longestS, agentAt } = order
    const asked = this.#ask('order', order.callSid, '/calls', {
      to,
      from,
      carrier,
      ring: ringS,
      longest: longestS,
      agentAt: this.#options.variant.agentAt ?? agentAt,
      agent: 'demo-agent',
      reference: referenceOf(this.#options.names.call(order.callSid))
    })
    const arrived = this.jambonz.arrival(this.#options.names.call(order.callSid))
    this.#underWay.add(Promise.race([asked, arrived]))
    this.#options.begin(asked)
  }

  /** An operator finds the call by its reference: Jambonz may not have named it yet. */
  async #hangUp (recordedSid: string): Promise<void> {
    const { bridge, names } = this.#options
    const reply = await bridge()?.get(`/calls?reference=${referenceOf(names.call(recordedSid))}`)
    const calls = reply?.status === 200 ? jsons((JSON.parse(reply.text) as Json)['calls']) : []
    const callSid = text(calls[0]?.['callSid']) ?? this.#options.names.call(recordedSid)
    this.#options.begin(this.#ask('hang-up', recordedSid, `/calls/${callSid}/hangup`))
  }

  async #ask (what: Asked['what'], callSid: string, path: string, body?: Json): Promise<void> {
    const headers = { authorization: OPERATOR, ...(body ? { 'content-type': 'application/json' } : {}) }
    const payload = body ? JSON.stringify(body) : ''
    const reply = await this.#options.bridge()?.post(path, headers, payload) ?? { status: 0, text: '' }
    this.asked.push({ what, callSid, ...reply })
  }

  /** Jambonz ends the leg because the bridge asked for it; what the recorder's own asking led to is recorded. */
  #hungUp (callSid: string, status: 'completed' | 'no-answer'): void {
    const { recording, names, played, clock, send } = this.#options
    const isRecorded = recording.hangUps.some(hangUp => !hangUp.isNew && names.call(hangUp.callSid) === callSid)
    if (isRecorded) return
    const ofCall = () => played().filter(({ body }) => this.#callOf(body) === callSid)
    const before = ofCall()
    clock.schedule(HANG_UP_MS, () => {
      if (ofCall().some(isFinal)) return
      this.#ended.add(callSid)
      send(finalsOf(before, status))
    })
  }

  #callOf (body: string): string {
    return this.#options.names.call(field(body, 'parent_call_sid') ?? field(body, 'call_sid') ?? '')
  }
}

/** A status that says that the first leg of its call is over. */
const isFinal = ({ path, body }: Hook): boolean => path === '/status' && field(body, 'parent_call_sid') === undefined &&
  FINAL_STATUSES.has(field(body, 'call_status') ?? '')

const OPERATOR = `Bearer ${OPERATOR_TOKEN}`

/** From updateCall to the status of the leg that it ended (servers.md A), milliseconds. */
const HANG_UP_MS = 6
