import { ENV } from './bridge.ts'
import { isJson, text, texts, type Json } from './json.ts'
import {
  callOf,
  dialledBy,
  field,
  pathOf,
  userOf,
  type Hook,
  type HookAddress,
  type Recording,
  type Verb
} from './recording.ts'

/**
 * What the recorded names are in this run: the bridge gives tokens, rooms and dial ids of its own, and calls may have
 * other ids than the recorded ones, so that many replays can run beside each other.
 */
export class Names {
  readonly #recording: Recording
  readonly #renameCalls: ((callSid: string) => string) | undefined
  readonly #tokens = new Map<string, string>()
  /** Our dial where the recorded application had sent one, by its call and id. */
  readonly #dials = new Map<string, Verb>()
  /** Where each hook of a call is sent to, by call and path. */
  readonly #urls = new Map<string, string>()
  /** The call of a leg that was dialled for it, by the leg's `call_sid`. */
  readonly #parents: Map<string, string>

  constructor (recording: Recording, renameCalls?: (callSid: string) => string) {
    this.#recording = recording
    this.#renameCalls = renameCalls
    this.#parents = new Map(recording.hooks.flatMap(({ body }) => {
      const [leg, parent] = [field(body, 'call_sid'), field(body, 'parent_call_sid')]
      return leg !== undefined && parent !== undefined ? [[leg, parent]] : []
    }))
  }

  /** What the bridge answered where the recorded application had answered something of its own. */
  learn (hook: Hook, verbs: Verb[]): void {
    const recorded = hook.verbs.find(({ verb }) => verb === 'dial')
    const ours = verbs.find(({ verb }) => verb === 'dial')
    const dialled = ours && dialledBy(ours)
    const token = hook.verbs.length === 0 ? this.#nextToken() : recorded && dialledBy(recorded)
    if (dialled !== undefined && token !== undefined && this.#isNews(token, dialled)) this.#tokens.set(token, dialled)
    const call = callOf(hook)
    if (recorded?.id !== undefined) {
      if (ours) this.#dials.set(`${call} ${recorded.id}`, ours)
      else this.#dials.delete(`${call} ${recorded.id}`)
    }
    this.#learnUrls(call, verbs)
  }

  /** A caller who comes back may get another room than the recorded one, whose room was still there. */
  #isNews (token: string, dialled: string): boolean {
    const known = this.#tokens.get(token)
    const isRoom = TOKEN.test(dialled)
    return known === undefined || (this.#recording.transfers.length > 0 && isRoom && known !== dialled)
  }

  /** @returns the room's name here; undefined: no room stands for it */
  room (recorded: string): string | undefined {
    const { dialled, roomPrefix } = this.#recording
    const token = recorded.startsWith(roomPrefix) ? recorded.slice(roomPrefix.length) : recorded
    if (!dialled.includes(token)) return recorded
    const ours = this.#tokens.get(token)
    return ours === undefined ? undefined : roomOfToken(ours)
  }

  /**
   * The bridge made a room before it dialled anything.
   * @returns whether it stands for a recorded one
   */
  roomMade (room: string): boolean {
    const token = this.#nextToken()
    const ours = room.replace(/^.*?_/, '')
    if (token === undefined || [...this.#tokens.values()].includes(ours)) return false
    this.#tokens.set(token, ours)
    return true
  }

  call (callSid: string): string {
    return this.#renameCalls ? this.#renameCalls(callSid) : callSid
  }

  /** The call whose leg this is; undefined: it is not known. */
  parentOf (leg: string): string | undefined {
    return this.#parents.get(leg)
  }

  /** Where Jambonz sends this hook: to the URL that the bridge's verbs name. */
  url (hook: Hook): string {
    const path = hook.path!
    const ofDial = path === '/action' ? this.#dialOf(hook)?.actionHook : undefined
    return ofDial === undefined ? this.#urls.get(`${callOf(hook)} ${path}`) ?? path : pathOf(ofDial)
  }

  /** Our dial that the hook is about. */
  #dialOf (hook: Hook): Verb | undefined {
    return this.#dials.get(`${callOf(hook)} ${field(hook.body, 'verb_id')}`)
  }

  /** The body of a hook with the names of this run; the recorded bytes where none of them is in it. */
  hookBody (hook: Hook): string {
    const { body } = hook
    let parsed: unknown
    try {
      parsed = JSON.parse(body)
    } catch {
      return body
    }
    if (!isJson(parsed)) return body
    const changed = { ...parsed }
    const dialled = userOf(text(parsed['to']))
    const token = dialled === undefined ? undefined : this.#tokens.get(dialled)
    if (token !== undefined) changed['to'] = (text(parsed['to']) ?? '').replace(dialled!, token)
    const id = this.#dialOf(hook)?.id
    if (id !== undefined) changed['verb_id'] = id
    const renamed = this.#renamed(JSON.stringify(changed))
    return renamed === JSON.stringify(parsed) ? body : renamed
  }

  /** An event of LiveKit with the names of this run. */
  roomEvent (body: Json): Json {
    const participant = isJson(body['participant']) ? body['participant'] : undefined
    const attributes = this.#attributesOf(texts(participant?.['attributes']))
    const named = participant?.['attributes'] ? { ...body, participant: { ...participant, attributes } } : body
    return JSON.parse(this.#renamed(JSON.stringify(named))) as Json
  }

  attributes (recorded: Record<string, string>): Record<string, string> {
    return JSON.parse(this.#renamed(JSON.stringify(this.#attributesOf(recorded)))) as Record<string, string>
  }

  #attributesOf (recorded: Record<string, string>): Record<string, string> {
    const called = recorded['sip.trunkPhoneNumber']
    const token = called === undefined ? undefined : this.#tokens.get(called)
    const call = this.#parents.get(recorded[LEG_OF_PARTICIPANT] ?? '')
    // The recorder sent something else here.
    const isMarked = recorded[CALL_OF_PARTICIPANT] !== undefined && call !== undefined
    return {
      ...recorded,
      ...(token === undefined ? {} : { 'sip.trunkPhoneNumber': token }),
      ...(isMarked && MARKED.has(this.#recording.kind) ? { [CALL_OF_PARTICIPANT]: call } : {})
    }
  }

  #renamed (body: string): string {
    return this.#renameCalls ? body.replace(UUID, uuid => this.#renameCalls!(uuid)) : body
  }

  #nextToken (): string | undefined {
    return this.#recording.dialled.find(token => !this.#tokens.has(token))
  }

  #learnUrls (call: string, verbs: Verb[]): void {
    for (const { verb, actionHook, referHook, confirmHook } of verbs) {
      const hooks: Array<[string, HookAddress | undefined]> = [
        [ACTIONS[verb] ?? '/action', ACTIONS[verb] || verb === 'dial' ? actionHook : undefined],
        ['/refer', verb === 'dial' ? referHook : undefined],
        ['/screen', confirmHook]
      ]
      for (const [path, address] of hooks) if (address) this.#urls.set(`${call} ${path}`, pathOf(address))
    }
  }
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
/** Name of a room of ours, without its prefix. */
const TOKEN = /^c[a-z2-7]{26}$/

/** The room of ours that somebody is in who dials this; undefined: it is no room's token. */
export const roomOfToken = (dialled: string): string | undefined =>
  TOKEN.test(dialled) ? `${ENV.LIVEKIT_ROOM_PREFIX}_${dialled}` : undefined

/** What the actionHook of a verb is for, where it is not a dial's. */
const ACTIONS: Record<string, string> = { 'sip:refer': '/refer-complete', gather: '/screen-digit' }

/** Attributes of a SIP participant: headers of its INVITE. */
export const LEG_OF_PARTICIPANT = 'sip.h.x-call-sid'
const CALL_OF_PARTICIPANT = 'sip.h.x-lk-call'

/** Kinds of recordings whose recorder wrote something of its own into that header. */
const MARKED: ReadonlySet<string> = new Set(['transfer', 'warm'])
