import { pino } from 'pino'
import { buildApp } from '../../src/app.ts'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import type { Registry } from '../../src/calls/store/registry.ts'
import type { Clock } from '../../src/clock.ts'
import { loadSettings } from '../../src/config.ts'
import type { Sender } from '../../src/events/sender.ts'
import { NoAnswerError, type RestSender } from '../../src/jambonz/rest-request.ts'
import { createLiveKitRooms, type Rooms } from '../../src/livekit/rooms.ts'
import type { RoutesSource } from '../../src/routing/routes.ts'
import type { Json } from './json.ts'
import { API_KEY, API_SECRET, ENV, OPERATOR_TOKEN, type Bridge, type HttpReply } from './bridge.ts'
import type { ReplayClock } from './clock.ts'
import type { JambonzWorld } from './jambonz-world.ts'

export interface InProcessOptions {
  clock: ReplayClock
  livekitUrl: string
  env: Record<string, string>
  routes: RoutesSource
  /** Receives the events that the user's systems are told. */
  onTold?: (told: Told) => void
  /** Jambonz' REST API, which is asked without a socket. */
  jambonz?: JambonzWorld
  /** A store that outlives the process, as Redis does. Without one each process has its memory. */
  store?: SurvivingStore
  /** Receives every line of the log. */
  log?: ((line: string) => void) | undefined
}

/** LiveKit settles a createRoom within this time, or not at all; real seconds. */
const CREATE_TIMEOUT_S = 5

/** The service in this process, on the given clock: LiveKit over HTTP, hooks injected as their bytes. */
export async function startInProcess (options: InProcessOptions): Promise<Bridge> {
  const { clock, livekitUrl, env, store, log, routes, jambonz, onTold } = options
  const life = { over: false }
  const rooms = createLiveKitRooms({
    url: livekitUrl,
    apiKey: API_KEY,
    apiSecret: API_SECRET,
    createTimeoutS: CREATE_TIMEOUT_S
  })
  const app = await buildApp({
    settings: loadSettings({ ...ENV, LIVEKIT_URL: livekitUrl, ...env }),
    ...(log ? { logger: pino({ level: 'trace' }, { write: log }) } : {}),
    routes,
    clock: mortalClock(clock, life),
    rooms: mortal<Rooms>(rooms, life, work => clock.track(work)),
    ...(jambonz ? { restSender: mortal<RestSender>(senderTo(jambonz), life, work => work) } : {}),
    ...(onTold ? { eventSender: mortal<Sender>(receiverOf(onTold), life, work => work) } : {}),
    registry: mortal<Registry>(store?.() ?? createMemoryRegistry(), life, work => work)
  })
  // Verifying a webhook takes a thread of its own, and no time of the clock.
  const verify = app.receiveLiveKitEvent
  app.receiveLiveKitEvent = (body, authorization) => clock.track(verify(body, authorization))
  await app.ready()

  async function inject (
    method: 'GET' | 'POST',
    url: string,
    headers: Record<string, string>,
    payload?: string
  ): Promise<HttpReply> {
    const reply = await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
    return { status: reply.statusCode, text: reply.body }
  }

  return {
    post: (path, headers, body) => inject('POST', path, headers, body),
    get: path => inject('GET', path, { authorization: `Bearer ${OPERATOR_TOKEN}` }),
    async kill () {
      life.over = true
    },
    async close () {
      if (!life.over) await app.close()
    }
  }
}

/** Asks Jambonz' REST API without a socket: an answer takes the time of the clock, and none else. */
const senderTo = (jambonz: JambonzWorld): RestSender => ({
  async send ({ method, path, body = {} }) {
    const reply = await jambonz.ask(method, path, body as Json)
    if (reply === 'lost') throw new NoAnswerError(true, 'ECONNRESET')
    const { status, body: said } = reply
    return { status, headers: {}, text: typeof said === 'string' ? said : JSON.stringify(said) }
  },
  async close () {}
})

/** An event as a receiver takes it. */
export interface Told {
  id: string
  type: string
  callSid: string
  transfer: Json | undefined
}

/** Takes every event at once. */
const receiverOf = (onTold: (told: Told) => void): Sender => ({
  async send (_receiver, { id, body }) {
    const { type, data } = JSON.parse(body) as { type: string, data: { callSid: string, transfer?: Json | null } }
    onTold({ id, type, callSid: data.callSid, transfer: data.transfer ?? undefined })
    return { ok: true, status: 200 }
  },
  async close () {}
})

/** A store that outlives the processes that use it, each of which asks for it. */
export type SurvivingStore = () => Registry

export function createSurvivingStore (): SurvivingStore {
  const memory = createMemoryRegistry()
  let listened: { at: number, process: symbol } | undefined

  return () => {
    const process = Symbol('process')

    return {
      ...memory,
      shared: true,
      async close () {},
      async listening (now) {
        const before = listened
        listened = { at: now, process }
        return before && { at: before.at, self: before.process === process }
      }
    }
  }
}

interface Life {
  over: boolean
}

/** Once the process is dead, none of its timers fires. */
function mortalClock (clock: Clock, life: Life): Clock {
  return {
    now: () => clock.now(),
    schedule: (ms, fn) =>
      clock.schedule(ms, () => {
        if (!life.over) fn()
      })
  }
}

/** Once the process is dead, nothing that it asks for happens, and nothing that it asked for is answered. */
function mortal<T extends object> (target: T, life: Life, track: <R>(work: Promise<R>) => Promise<R>): T {
  const never = new Promise<never>(() => {})
  return new Proxy(target, {
    get (object, name) {
      const value: unknown = Reflect.get(object, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (life.over) return never
        const result: unknown = value.apply(object, args)
        if (!(result instanceof Promise)) return result
        return track(result).then(
          answer => life.over ? never : answer,
          (error: unknown) => {
            if (life.over) return never
            throw error
          }
        )
      }
    }
  })
}
