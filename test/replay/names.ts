import { isJson, text, texts, type Json } from './json.ts'
import { dialledBy, userOf, type Hook, type HookPath, type Recording, type Verb } from './recording.ts'

/**
 * What the recorded names are in this run: the bridge gives tokens, rooms and dial ids of its own, and calls may have
 * other ids than the recorded ones, so that many replays can run beside each other.
 */
export class Names {
  readonly #recording: Recording
  readonly #renameCalls: ((callSid: string) => string) | undefined
  readonly #tokens = new Map<string, string>()
  readonly #dialIds = new Map<string, string>()
  /** The dial that the recorded application had given this id last. */
  readonly #tokenOfDialId = new Map<string, string>()
  readonly #urls = new Map<HookPath, string>()

  constructor (recording: Recording, renameCalls?: (callSid: string) => string) {
    this.#recording = recording
    this.#renameCalls = renameCalls
  }

  /** What the bridge answered where the recorded application had answered something of its own. */
  learn (hook: Hook, verbs: Verb[]): void {
    const recorded = hook.verbs.find(({ verb }) => verb === 'dial')
    const ours = verbs.find(({ verb }) => verb === 'dial')
    const dialled = ours && dialledBy(ours)
    const token = hook.verbs.length === 0 ? this.#nextToken() : recorded && dialledBy(recorded)
    if (recorded?.id !== undefined && token !== undefined) this.#tokenOfDialId.set(recorded.id, token)
    if (dialled !== undefined && token !== undefined && !this.#tokens.has(token)) this.#tokens.set(token, dialled)
    if (ours?.id !== undefined && token !== undefined) this.#dialIds.set(token, ours.id)
    this.#learnUrls(verbs)
  }

  /** @returns the room's name here; undefined: no room stands for it */
  room (recorded: string): string | undefined {
    const { dialled, roomPrefix } = this.#recording
    const token = recorded.startsWith(roomPrefix) ? recorded.slice(roomPrefix.length) : recorded
    if (!dialled.includes(token)) return recorded
    const ours = this.#tokens.get(token)
    return ours === undefined || !/^c[a-z2-7]{26}$/.test(ours) ? undefined : `jb_${ours}`
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

  /** Where Jambonz sends this hook: to the URL that the bridge's verbs name. */
  url (path: HookPath): string {
    return this.#urls.get(path) ?? path
  }

  /** The body of a hook with the names of this run; the recorded bytes where none of them is in it. */
  hookBody ({ body }: Hook): string {
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
    const dial = text(parsed['verb_id'])
    const id = dial === undefined ? undefined : this.#dialIds.get(this.#tokenOfDialId.get(dial) ?? '')
    if (id !== undefined) changed['verb_id'] = id
    const renamed = this.#renamed(JSON.stringify(changed))
    return renamed === JSON.stringify(parsed) ? body : renamed
  }

  /** An event of LiveKit with the names of this run. */
  roomEvent (body: Json): Json {
    const participant = isJson(body['participant']) ? body['participant'] : undefined
    const attributes = this.attributes(texts(participant?.['attributes']))
    const named = participant?.['attributes'] ? { ...body, participant: { ...participant, attributes } } : body
    return JSON.parse(this.#renamed(JSON.stringify(named))) as Json
  }

  attributes (recorded: Record<string, string>): Record<string, string> {
    const called = recorded['sip.trunkPhoneNumber']
    const token = called === undefined ? undefined : this.#tokens.get(called)
    return token === undefined ? recorded : { ...recorded, 'sip.trunkPhoneNumber': token }
  }

  #renamed (body: string): string {
    return this.#renameCalls ? body.replace(UUID, uuid => this.#renameCalls!(uuid)) : body
  }

  #nextToken (): string | undefined {
    return this.#recording.dialled.find(token => !this.#tokens.has(token))
  }

  #learnUrls (verbs: Verb[]): void {
    for (const { verb, actionHook, referHook } of verbs) {
      if (verb === 'dial' && actionHook) this.#urls.set('/action', pathOf(actionHook))
      if (verb === 'dial' && referHook) this.#urls.set('/refer', pathOf(referHook))
      if (verb === 'sip:refer' && actionHook) this.#urls.set('/refer-complete', pathOf(actionHook))
    }
  }
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** Path and query of a hook's URL: the fragment, which holds Jambonz' retry policy, is not sent. */
function pathOf (hook: string | { url: string }): string {
  const url = typeof hook === 'string' ? hook : hook.url
  return url.replace(/^https?:\/\/[^/]+/, '').replace(/#.*/, '')
}
