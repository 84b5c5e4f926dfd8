import { OPERATOR_TOKEN, type Bridge, type HttpReply } from './bridge.ts'
import type { ReplayClock } from './clock.ts'
import { finalsOf, putOutOf } from './hung-up.ts'
import { JambonzWorld, referenceOf } from './jambonz-world.ts'
import { jsons, text, type Json } from './json.ts'
import type { Names } from './names.ts'
import {
  callOf,
  callSidsOf,
  field,
  FINAL_STATUSES,
  type Hook,
  type RecordedOrder,
  type RecordedTransfer,
  type Recording
} from './recording.ts'
import type { Variant } from './variant.ts'

/** A request to the operator API that asked for something, and what came back. */
export interface Asked {
  what: 'order' | 'hang-up' | 'transfer' | 'complete' | 'cancel'
  callSid: string
  status: number
  text: string
}

export interface PlacedCallsOptions {
  recording: Recording
  names: Names
  clock: ReplayClock
  variant: Variant
  /** The bridge's work takes time. */
  isReal: boolean
  bridge(): Bridge | undefined
  /** The recorded hooks that were sent until now. */
  played(): Hook[]
  /** Takes work that is waited for. */
  begin(work: Promise<void>): void
  /** Everything that was sent is answered. */
  settled(): Promise<void>
  /** Sends hooks that were not recorded. */
  send(hooks: Hook[]): void
  /** Jambonz ended these legs, by their `call_sid`. */
  onLegsOver(legs: string[]): void
}

/** The calls of a recording that the bridge is asked to place, and the Jambonz that places them. */
export class PlacedCalls {
  readonly jambonz: JambonzWorld
  readonly asked: Asked[] = []
  readonly #options: PlacedCallsOptions
  /** Calls that Jambonz ended at the bridge's asking: nothing else that was recorded of them happens. */
  readonly #ended = new Set<string>()
  /** Orders on their way to Jambonz. */
  readonly #underWay = new Set<Promise<unknown>>()
  /** Calls whose end Jambonz is about to tell. */
  readonly #ending = new Set<string>()
  readonly #redirected = new Map<Hook, string>()
  /** When somebody wanted to ask for something, milliseconds since the epoch. */
  #askedAt: number | undefined
  /** The ids that the bridge gave to the recorded transfers. */
  readonly #transferIds = new Map<RecordedTransfer, string>()

  constructor (options: PlacedCallsOptions) {
    this.#options = options
    const { clock, recording: { orders, transfers }, names, variant } = options
    const callerOf = (sid: string) => transfers.find(({ personSid }) => personSid === sid)?.callSid
    this.jambonz = new JambonzWorld({
      clock,
      orders: orders.map(order => {
        const caller = callerOf(order.callSid)
        return {
          order,
          callSid: names.call(order.callSid),
          ...(caller === undefined ? {} : { callerSid: names.call(caller) })
        }
      }),
      answerDelay: variant.answerDelay ?? 0,
      onHungUp: (callSid, status) => this.#hungUp(callSid, status)
    })
  }

  /** The `call_sid` in this run of every call that Jambonz is asked about. */
  get callSids (): string[] {
    const { recording, names } = this.#options
    const sids = recording.transfers.length > 0 ? callSidsOf(recording) : recording.orders.map(({ callSid }) => callSid)
    return sids.map(sid => names.call(sid))
  }

  /** The recorded transfers that the bridge took, with its ids. */
  get transferIds (): ReadonlyMap<RecordedTransfer, string> {
    return this.#transferIds
  }

  /** Whether what Jambonz does depends on what the bridge asks of it. */
  get #isAsked (): boolean {
    const { orders, transfers } = this.#options.recording
    return orders.length > 0 || transfers.length > 0
  }

  /** What is asked for at its time, and what Jambonz itself sees of the legs, whether it tells or not. */
  steps (): Array<{ at: number, run: () => unknown }> {
    const { orders, hangUps, hooks, transfers } = this.#options.recording
    if (!this.#isAsked) return []
    return [
      ...orders.filter(({ isForTransfer }) => !isForTransfer)
        .map(order => ({ at: order.at, run: () => this.#place(order) })),
      ...hangUps.map(({ at, callSid }) => ({ at, run: () => this.#hangUp(callSid) })),
      ...transfers.flatMap(transfer => [
        { at: transfer.at, run: () => this.#transfer(transfer) },
        ...this.#later(transfer, 'complete', transfer.completedAt),
        ...this.#later(transfer, 'cancel', transfer.cancelledAt)
      ]),
      ...hooks.map(hook => ({ at: hook.at, run: () => this.#saw(hook) }))
    ]
  }

  /** Waits until what was asked for has come to Jambonz. @returns how long all that took, milliseconds */
  async lateness (): Promise<number> {
    const { clock } = this.#options
    const began = this.#askedAt ?? clock.now()
    await Promise.all(this.#underWay)
    this.#underWay.clear()
    this.#askedAt = undefined
    return clock.now() - began
  }

  /** Whether there is such a call: one that is to be placed begins when it was. */
  exists (recordedSid: string): boolean {
    const { recording, names } = this.#options
    const isOrdered = recording.orders.some(({ callSid }) => callSid === recordedSid)
    return !isOrdered || this.jambonz.isPlaced(names.call(recordedSid))
  }

  /** Whether a recorded hook happens: its call was placed, and it is not over because the bridge ended it. */
  happens (hook: Hook): boolean {
    return !this.#isAsked || this.goesOn(callOf(hook), hook.at)
  }

  /** Whether a call goes on as it was recorded. */
  goesOn (recordedSid: string, at: number): boolean {
    const { recording: { endedByRecorder = {} } } = this.#options
    const isOver = this.#ended.has(this.#options.names.call(recordedSid))
    return this.exists(recordedSid) && !isOver && at <= (endedByRecorder[recordedSid] ?? Infinity)
  }

  /**
   * Where Jambonz sends a redirect hook. Without a request of the bridge to redirect the leg it sends none, and nothing
   * that was recorded after it happens.
   */
  async redirect (hook: Hook): Promise<string | undefined> {
    const { names, clock } = this.#options
    const callSid = names.call(callOf(hook))
    const until = clock.now() + REDIRECT_MS
    let address = this.#redirected.get(hook) ?? this.jambonz.takeRedirect(callSid)
    while (address === undefined && this.#isReal && clock.now() < until) {
      await clock.until(clock.now() + 5)
      address = this.jambonz.takeRedirect(callSid)
    }
    if (address === undefined) this.#ended.add(callSid)
    else this.#redirected.set(hook, address)
    return address
  }

  /** LiveKit put out a leg because the bridge asked for it. */
  putOut (leg: string): void {
    const { clock, names, recording, played, send } = this.#options
    const parent = recording.hooks.find(({ body }) => names.call(field(body, 'call_sid') ?? '') === leg)
    const callSid = parent && this.#callOf(parent.body)
    if (callSid === undefined || !this.#isAsked || this.#ended.has(callSid) || this.#ending.has(callSid)) return
    const recordedLeg = field(parent!.body, 'call_sid')!
    clock.schedule(HANG_UP_MS, () => {
      if (this.#ended.has(callSid) || this.#ending.has(callSid)) return
      const hooks = putOutOf(played().filter(({ body }) => this.#callOf(body) === callSid), recordedLeg)
      if (hooks.length === 0) return
      this.#ended.add(callSid)
      this.jambonz.end(callSid)
      send(hooks)
    })
  }

  /** Hooks of the leg that createCall dialled bring back the tag that the bridge gave it. */
  tagged (body: string): string {
    const callSid = field(body, 'call_sid') ?? ''
    if (this.jambonz.tagOf(callSid) === undefined) return body
    return JSON.stringify({ ...JSON.parse(body) as Json, customerData: this.jambonz.tagOf(callSid) })
  }

  #saw (hook: Hook): void {
    const { body } = hook
    const isFirst = hook.path === '/livekit-api' && !this.jambonz.isPlaced(this.#callOf(body))
    if (isFirst && this.happens(hook)) this.jambonz.begin(this.#callOf(body))
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
    this.#options.begin(asked.then(() => {}))
  }

  /** Somebody asks for a transfer, at the time when the recorder began it. */
  async #transfer (transfer: RecordedTransfer): Promise<void> {
    this.#askedAt = this.#options.clock.now()
    // Nobody asks who does not talk with the caller yet.
    if (this.#isReal) await this.#options.settled()
    const { names } = this.#options
    const { callSid, personSid, mode, to, carrier, ringS } = transfer
    const body = { mode, to, carrier, ring: ringS }
    const asked = this.#ask('transfer', callSid, `/calls/${names.call(callSid)}/transfers`, body).then(reply => {
      const id = idIn(reply)
      if (id !== undefined) this.#transferIds.set(transfer, id)
    })
    this.#underWay.add(personSid === undefined
      ? asked
      : Promise.all([asked, Promise.race([this.jambonz.arrival(names.call(personSid)), this.#patience()])]))
    this.#options.begin(asked)
  }

  /** In real time createCall is waited for only so long. */
  #patience (): Promise<void> {
    const { clock } = this.#options
    return this.#isReal ? clock.until(clock.now() + REDIRECT_MS) : Promise.resolve()
  }

  /** The agent has the person join once it has talked with them. */
  async #untilConsulting (transfer: RecordedTransfer): Promise<void> {
    const { bridge, names, clock, settled } = this.#options
    await settled()
    const path = `/calls/${names.call(transfer.callSid)}/transfers/${this.#transferIds.get(transfer)}`
    const until = clock.now() + REDIRECT_MS
    const waits = ['requested', 'calling', 'ringing', 'answered']
    while (transfer.completedAt !== undefined && clock.now() < until) {
      const reply = await bridge()?.get(path)
      const state = reply?.status === 200 ? text((JSON.parse(reply.text) as Json)['state']) : undefined
      if (!waits.includes(state ?? 'calling')) return
      await clock.until(clock.now() + 20)
    }
  }

  get #isReal (): boolean {
    return this.#options.isReal
  }

  #later (transfer: RecordedTransfer, what: 'complete' | 'cancel', at: number | undefined) {
    const { callSid } = transfer
    const run = async () => {
      this.#askedAt = this.#options.clock.now()
      if (this.#isReal) await this.#untilConsulting(transfer)
      const id = this.#transferIds.get(transfer) ?? 'unknown'
      const path = `/calls/${this.#options.names.call(callSid)}/transfers/${id}/${what}`
      const asked = this.#ask(what, callSid, path)
      this.#underWay.add(asked)
      this.#options.begin(asked.then(() => {}))
    }
    return at === undefined ? [] : [{ at, run }]
  }

  /** An operator finds the call by its reference: Jambonz may not have named it yet. */
  async #hangUp (recordedSid: string): Promise<void> {
    const { bridge, names } = this.#options
    const reply = await bridge()?.get(`/calls?reference=${referenceOf(names.call(recordedSid))}`)
    const calls = reply?.status === 200 ? jsons((JSON.parse(reply.text) as Json)['calls']) : []
    const callSid = text(calls[0]?.['callSid']) ?? this.#options.names.call(recordedSid)
    this.#options.begin(this.#ask('hang-up', recordedSid, `/calls/${callSid}/hangup`).then(() => {}))
  }

  async #ask (what: Asked['what'], callSid: string, path: string, body?: Json): Promise<HttpReply> {
    const headers = { authorization: OPERATOR, ...(body ? { 'content-type': 'application/json' } : {}) }
    const payload = body ? JSON.stringify(body) : ''
    const reply = await this.#options.bridge()?.post(path, headers, payload) ?? { status: 0, text: '' }
    this.asked.push({ what, callSid, ...reply })
    return reply
  }

  /** Jambonz ends the leg because the bridge asked for it; what the recorder's own asking led to is recorded. */
  #hungUp (callSid: string, status: 'completed' | 'no-answer'): void {
    const { recording, names, played, clock, send, onLegsOver } = this.#options
    const isRecorded = recording.hangUps.some(hangUp => !hangUp.isNew && names.call(hangUp.callSid) === callSid)
    if (isRecorded) return
    const ofCall = () => played().filter(({ body }) => this.#callOf(body) === callSid)
    const before = ofCall()
    this.#ending.add(callSid)
    clock.schedule(HANG_UP_MS, () => {
      if (ofCall().some(isFinal)) return
      this.#ended.add(callSid)
      send(finalsOf(before, status))
      onLegsOver(legsOf(recording.hooks, callSid, names))
    })
  }

  #callOf (body: string): string {
    return this.#options.names.call(field(body, 'parent_call_sid') ?? field(body, 'call_sid') ?? '')
  }
}

/** The `call_sid` in this run of every leg that was dialled for a call. */
const legsOf = (hooks: Hook[], callSid: string, names: Names): string[] =>
  [...new Set(hooks.filter(hook => field(hook.body, 'parent_call_sid') !== undefined &&
    names.call(callOf(hook)) === callSid).map(({ body }) => names.call(field(body, 'call_sid') ?? '')))]

function idIn ({ status, text: said }: HttpReply): string | undefined {
  return status < 300 && status > 0 ? text((JSON.parse(said) as Json)['id']) : undefined
}

/** The bridge asks Jambonz for something within this time of being asked for it, milliseconds. */
const REDIRECT_MS = 3000

/** A status that says that the first leg of its call is over. */
const isFinal = ({ path, body }: Hook): boolean => path === '/status' && field(body, 'parent_call_sid') === undefined &&
  FINAL_STATUSES.has(field(body, 'call_status') ?? '')

const OPERATOR = `Bearer ${OPERATOR_TOKEN}`

/** From updateCall to the status of the leg that it ended (servers.md A), milliseconds. */
const HANG_UP_MS = 6
