import { signed, type Bridge, type HttpReply } from './bridge.ts'
import type { ReplayClock } from './clock.ts'
import { HeldEvents } from './held-events.ts'
import { isJson, jsons, texts, type Json } from './json.ts'
import { LiveKitWorld } from './livekit-world.ts'
import type { ApiRequest } from './livekit-api.ts'
import { LEG_OF_PARTICIPANT, Names, roomOfToken } from './names.ts'
import { PlacedCalls } from './placed-calls.ts'
import {
  callOf,
  callSidsOf,
  dialledBy,
  roomNameOf,
  type ApiFailure,
  type Hook,
  type HookPath,
  type Recording,
  type Verb
} from './recording.ts'
import type { Variant } from './variant.ts'
import { agentsStay, WaitingAgents } from './waiting-agents.ts'
import { WebhookSender, type Sent } from './webhooks.ts'

/** A hook that was sent, and what came back. */
export interface Answered {
  /** Milliseconds from the start of the recording. */
  at: number
  path: HookPath
  hook: Hook
  /** 0: nobody was there to answer. */
  status: number
  /** The verbs of the reply; undefined where it has none. */
  verbs: Verb[] | undefined
  /** Of a call hook: what the room that it dialled was like. */
  dialled?: DialledRoom
}

/** A room when the reply to a call hook dialled it. */
export interface DialledRoom {
  name: string
  /** It was there before the call hook came. */
  isWarm: boolean
  /** An agent waited in it. */
  hasAgent: boolean
}

export interface PlayOptions {
  clock: ReplayClock
  variant: Variant
  /** Starts the bridge, or joins one that runs. */
  start(): Promise<Bridge>
  /** Calls get other ids than the recorded ones. */
  renameCalls?: (callSid: string) => string
  /** How long the bridge has to fill its pool before the recording begins, milliseconds. */
  fillMs: number
}

/** Plays one recording against a bridge, with a LiveKit and a Jambonz REST API of its own. */
export class Player {
  readonly recording: Recording
  readonly names: Names
  readonly world: LiveKitWorld
  readonly placed: PlacedCalls
  readonly answered: Answered[] = []
  /** Requests to LiveKit's API. */
  readonly api: ApiRequest[] = []
  readonly problems: string[] = []
  /** Calls that had ended before the process died. */
  readonly endedBefore = new Set<string>()
  /** When the recording began in this run, milliseconds since the epoch. */
  started: number
  readonly #options: PlayOptions
  readonly #webhooks: WebhookSender
  readonly #failures: ApiFailure[]
  #statuses = 0
  readonly #pending = new Set<Promise<void>>()
  #bridge: Bridge | undefined
  #callHook: Promise<void> = Promise.resolve()
  readonly #turns = new Map<string, Promise<void>>()
  /** The recorder gave its hooks a user name and password for some calls only: the bridge does so for all. */
  readonly #pair: { authorization?: string }
  /** Events of rooms that the bridge has not made yet. */
  readonly #held: HeldEvents
  readonly #waiting: WaitingAgents

  constructor (recording: Recording, options: PlayOptions) {
    this.recording = recording
    this.#options = options
    this.started = options.clock.now()
    this.names = new Names(recording, options.renameCalls)
    this.#failures = [...recording.failures]
    const pair = recording.hooks.map(({ headers }) => headers['authorization']).find(header => header !== undefined)
    this.#pair = recording.transfers.length > 0 && pair !== undefined ? { authorization: pair } : {}
    const { clock, variant } = options
    this.#webhooks = new WebhookSender({
      clock,
      variant,
      bridge: () => this.#bridge,
      backsOffUntil: () => variant.away ? this.started + variant.away.to + variant.away.redeliveredAfter : 0,
      onProblem: problem => this.problems.push(problem)
    })
    this.placed = new PlacedCalls({
      recording,
      names: this.names,
      clock,
      variant,
      bridge: () => this.#bridge,
      played: () => this.answered.map(({ hook }) => hook),
      isReal: options.renameCalls !== undefined,
      begin: work => this.#track(work),
      settled: async () => {
        await Promise.all(this.#pending)
      },
      onLegsOver: legs => legs.forEach(leg => this.world.leave(leg)),
      send: hooks => {
        for (const hook of hooks) if (this.#isTold(hook)) this.#send(hook).catch(() => {})
      }
    })
    this.#held = new HeldEvents(clock)
    this.world = new LiveKitWorld({
      clock,
      onMade: room => {
        if (this.#isHeld && this.names.roomMade(room)) this.#held.release()
        this.#waiting.roomMade(room)
      },
      onPutOut: leg => this.placed.putOut(leg),
      notify: event => {
        if (!variant.withoutWebhooks && !recording.livekitUnseen) this.#webhooks.send(this.names.roomEvent(event))
      }
    })
    this.#waiting = new WaitingAgents({ clock, world: this.world, recorded: recording.waiting ?? [] })
  }

  /** Whether what was recorded of a room waits until the bridge has made it. */
  get #isHeld (): boolean {
    return this.recording.orders.length > 0 || this.recording.transfers.length > 0
  }

  get bridge (): Bridge | undefined {
    return this.#bridge
  }

  get webhooks (): Sent[] {
    return this.#webhooks.sent
  }

  /** The `call_sid` of every call in this run. Of the ones that are placed: those that were. */
  get callSids (): string[] {
    return this.calls.map(({ callSid }) => callSid)
  }

  get calls (): Array<{ callSid: string, recordedSid: string }> {
    return callSidsOf(this.recording).filter(recordedSid => this.placed.exists(recordedSid))
      .map(recordedSid => ({ recordedSid, callSid: this.names.call(recordedSid) }))
  }

  /** Plays everything that was recorded. What the bridge does afterwards is not waited for. */
  async play (): Promise<void> {
    this.#bridge = await this.#options.start()
    const { clock, fillMs } = this.#options
    const { waiting } = this.recording
    // Where the recorded agent did not wait for its call, the recording begins when the room is made.
    this.started = clock.now() + (waiting && agentsStay(waiting) ? fillMs : 0)
    for (const { at, run } of this.#steps()) {
      await clock.until(this.started + at)
      await run()
      // What was recorded counts from when Jambonz got the order, and a bridge may be busy.
      if (this.#options.renameCalls) this.started += await this.placed.lateness()
      await clock.settle()
    }
  }

  /** What LiveKit's API answers instead, as it was recorded. */
  refusal (method: string, room: string | undefined): { status: number, body: Json } | undefined {
    if (method === 'RoomService/CreateRoom' && !this.recording.roomMade) {
      return { status: 503, body: { code: 'unavailable', msg: 'no response from servers' } }
    }
    const i = this.#failures.findIndex(failure =>
      failure.method === method && failure.room !== undefined && this.names.room(failure.room) === room)
    return i === -1 ? undefined : this.#failures.splice(i, 1)[0]
  }

  #steps (): Array<{ at: number, run: () => unknown }> {
    const { variant } = this.#options
    const { hooks, roomEvents, attributes, looks } = this.recording
    const started = new Set<string>()
    const wanted = hooks.filter(hook => this.#isTold(hook))
    const again = variant.hooksAgain
    return [
      ...this.placed.steps(),
      ...wanted.map(hook => ({ at: hook.at, run: () => this.#hook(hook) })),
      ...(again === undefined ? [] : wanted.map(hook => ({ at: hook.at + again, run: () => this.#hook(hook) }))),
      ...roomEvents.map(({ at, body, silent = false }) => ({
        at,
        run: () => this.#happen(body, silent, started)
      })),
      ...this.#ifKnown(attributes, ({ room, identity, changed }) => this.world.change(room, identity, changed)),
      ...this.#ifKnown(looks, ({ room, participants }) => this.world.see(room, participants.map(shown => ({
        ...shown,
        attributes: this.names.attributes((shown['attributes'] ?? {}) as Record<string, string>)
      })))),
      ...(variant.away
        ? [
            { at: variant.away.from, run: () => this.#die() },
            { at: variant.away.to, run: () => this.#comeBack() }
          ]
        : [])
    ].sort((a, b) => a.at - b.at)
  }

  /** Steps about a room, which is the only one of the recording where none is named. */
  #ifKnown<T extends { at: number, room: string | undefined }> (
    items: T[],
    run: (item: T & { room: string }) => void
  ): Array<{ at: number, run: () => void }> {
    const { dialled, roomPrefix } = this.recording
    return items.map(item => ({
      at: item.at,
      run: () => {
        const room = this.names.room(item.room ?? `${roomPrefix}${dialled[0] ?? ''}`)
        if (room !== undefined) run({ ...item, room })
      }
    }))
  }

  #happen (body: Json, silent: boolean, started: Set<string>): void {
    if (!this.#isPresent(body)) return
    const recorded = roomNameOf(body)
    const room = recorded === undefined ? undefined : this.names.room(recorded)
    if (room === undefined) {
      if (this.#isHeld) this.#held.hold(() => this.#happen(body, silent, started))
      return
    }
    // A room that no call of this recording dialled: its events arrive, and the bridge does not know it.
    if (room === recorded && !silent) {
      this.#webhooks.send(body)
      return
    }
    if (this.#waiting.play(room, body)) return
    const first = this.recording.roomMade && !started.has(room)
    if (body['event'] === 'room_started') started.add(room)
    this.world.play(room, this.names.roomEvent(body), { silent, first })
  }

  /** Nothing happens to the participant of a call that the bridge has ended. */
  #isPresent ({ participant }: Json): boolean {
    const leg = isJson(participant) ? texts(participant['attributes'])[LEG_OF_PARTICIPANT] : undefined
    const call = leg === undefined ? undefined : this.names.parentOf(leg)
    const at = this.#options.clock.now() - this.started
    return call === undefined || this.recording.transfers.length === 0 || this.placed.goesOn(call, at)
  }

  /** Stops the bridge. Nobody hears LiveKit's webhooks any more. */
  async close (): Promise<void> {
    const bridge = this.#bridge
    this.#bridge = undefined
    await bridge?.close()
  }

  async #die (): Promise<void> {
    for (const callSid of this.callSids) {
      const reply = await this.#bridge?.get(`/calls/${callSid}`)
      if (reply?.text.includes('"phase":"ended"')) this.endedBefore.add(callSid)
    }
    await this.#bridge?.kill()
    this.#bridge = undefined
  }

  async #comeBack (): Promise<void> {
    this.#bridge = await this.#options.start()
  }

  /** Whether a hook reaches the bridge in this variant. */
  #isTold ({ path, verbs }: Hook): boolean {
    const { withoutStatuses, withoutAction: isWithout } = this.#options.variant
    // Without our reply the caller would not have come back to the agent.
    const withoutAction = isWithout && (this.recording.transfers.length === 0 || verbs.length === 0)
    return path !== undefined && !(withoutStatuses && path === '/status') && !(withoutAction && path === '/action')
  }

  async #hook (hook: Hook): Promise<void> {
    if (!this.placed.happens(hook)) return
    if (hook.path === '/redirect' && await this.placed.redirect(hook) === undefined) return
    const { clock, variant } = this.#options
    const delay = hook.path === '/status' ? variant.statusDelay?.(this.#statuses++) : undefined
    if (delay === undefined) await this.#send(hook)
    else clock.schedule(delay, () => this.#send(hook))
  }

  #track (work: Promise<void>): void {
    this.#pending.add(work)
    work.then(() => this.#pending.delete(work), (error: Error) => this.problems.push(error.message))
  }

  async #send (hook: Hook): Promise<void> {
    const work = this.#inTurn(hook)
    if (hook.path === '/livekit-api') this.#callHook = work
    this.#track(work)
    if (!this.#options.renameCalls) return
    // Jambonz does nothing of a call before its call hook is answered.
    await this.#callHook
    if (this.recording.transfers.length > 0 && hook.verbs.length > 0) await this.#untilAnswered(hook, work)
  }

  /** What Jambonz is told to do it does later when it is told so later than in the recording. */
  async #untilAnswered ({ at, repliedAt = at }: Hook, work: Promise<void>): Promise<void> {
    const { clock } = this.#options
    const began = clock.now()
    await work
    this.started += Math.max(0, clock.now() - began - (repliedAt - at))
  }

  /** Jambonz sends the statuses of a call one after another, and so its other hooks (http-requestor.js). */
  #inTurn (hook: Hook): Promise<void> {
    const isReal = this.#options.renameCalls !== undefined
    if (!isReal || this.recording.transfers.length === 0) return this.#exchange(hook)
    const queue = `${callOf(hook)} ${hook.path === '/status'}`
    const work = (this.#turns.get(queue) ?? Promise.resolve()).then(() => this.#exchange(hook))
    this.#turns.set(queue, work.catch(() => {}))
    return work
  }

  async #exchange (hook: Hook): Promise<void> {
    const { clock } = this.#options
    const path = hook.path!
    const body = this.placed.tagged(this.names.hookBody(hook))
    const { 'content-length': _length, ...recorded } = hook.headers
    const verbatim = body === hook.body && recorded['jambonz-signature'] !== undefined && !this.#options.renameCalls
    const headers = {
      'content-type': 'application/json',
      ...this.#pair,
      ...recorded,
      ...(verbatim ? {} : { 'jambonz-signature': signed(body, clock.now()) })
    }
    const at = clock.now() - this.started
    const url = path === '/redirect' ? await this.placed.redirect(hook) : undefined
    const known = new Set(this.world.rooms.keys())
    const reply = await this.#bridge?.post(url ?? this.names.url(hook), headers, body) ?? { status: 0, text: '' }
    const verbs = verbsOf(reply)
    if (verbs) this.names.learn(hook, verbs)
    const dialled = path === '/livekit-api' ? this.#dialledRoom(verbs ?? [], known) : {}
    this.answered.push({ at, path, hook, status: reply.status, verbs, ...dialled })
  }

  #dialledRoom (verbs: Verb[], known: ReadonlySet<string>): { dialled?: DialledRoom } {
    const token = verbs.map(dialledBy).find(found => found !== undefined)
    const name = token === undefined ? undefined : roomOfToken(token)
    if (name === undefined) return {}
    return { dialled: { name, isWarm: known.has(name), hasAgent: this.#waiting.isThere(name) } }
  }
}

function verbsOf ({ text }: HttpReply): Verb[] | undefined {
  try {
    const verbs: unknown = JSON.parse(text)
    return Array.isArray(verbs) ? jsons(verbs) as unknown as Verb[] : undefined
  } catch {
    return undefined
  }
}
