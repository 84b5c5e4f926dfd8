import { Writable } from 'node:stream'
import { pino } from 'pino'
import { buildApp } from '../../src/app.ts'
import { outcomeOf, transfersOf } from '../../src/calls/fold/transfers.ts'
import { TIMES } from '../../src/calls/fold/rules.ts'
import { createLiveKitRooms } from '../../src/livekit/rooms.ts'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import type { WarmRoom } from '../../src/calls/warm/warm-room.ts'
import { loadSettings } from '../../src/config.ts'
import { createJambonzDouble } from '../../src/sandbox/jambonz.ts'
import { createLiveKitDouble } from '../../src/sandbox/livekit.ts'
import { createUserAgent } from '../../src/sip/user-agent.ts'
import { RECORDED_TARGETS, routesWith } from '../fixtures/policies.ts'
import { createAgents } from './agents.ts'
import { createWorldClock } from './clock.ts'
import { createFates, planOutages, WEATHERS, type Outage, type Weather } from './faults.ts'
import { createJournal } from './journal.ts'
import {
  agentName,
  callByNumber,
  DEFAULT_AGENT,
  DIAL_TIMEOUT_S,
  MAX_CALL_DURATION_S,
  NUMBERS,
  PERSONS,
  planCall,
  type Plan
} from './mix.ts'
import { BRIDGE_URL, createWorldNetwork } from './network.ts'
import { setOutage } from './outages.ts'
import { beCalled, phoneUs } from './people.ts'
import { createRandom, hash, type Random } from './random.ts'
import { createRules, type Broken } from './rules.ts'
import { createEventSenderIn, createRestSenderIn, serveEvents } from './senders.ts'
import { watchRegistry } from './watch.ts'
import { createWitness, isPerson } from './witness.ts'

export interface WorldOptions {
  seed: number
  /** How many calls there are. */
  calls: number
  /** Default: by seed, with everything from fine to wild. */
  weather?: Weather
  /** Only these of the calls, with the same chances as in the whole run. */
  only?: number[]
  /** With outages in which rooms cannot be deleted. */
  rooms?: boolean
  /** Receives the progress now and then. */
  onProgress?: (text: string) => void
}

/** How a run went. */
export interface Outcome {
  seed: number
  weather: Weather
  installation: Installation
  broken: Broken[]
  /** Ends by cause. */
  causes: Record<string, number>
  /** Transfers by mode, result and reason. */
  transfers: Record<string, number>
  /** Calls in rooms by whether an agent had waited there. */
  starts: Record<string, number>
  /** Seconds that passed in the world. */
  worldSeconds: number
  /** Of everything that was noted: equal for equal runs. */
  fingerprint: string
}

/** What differs from one deployment of the bridge to the next. */
interface Installation {
  statusHook: boolean
  webhooks: boolean
  rest: boolean
  agentLost: 'end' | 'next'
  /** Agents of the settings' name that wait for calls. */
  warmAgents: number
}

/** Some deployments keep no pool. */
const POOL_SIZES = [3, 0, 8]
/** How long a warm room lives, seconds: many are old when a call comes. */
const WARM_LIFE_S = 45
/** Between two accidents in rooms whose agents wait, milliseconds. */
const ACCIDENT_MS = 4000

const API = { apiKey: 'chaoskey', apiSecret: 'chaossecretchaossecretchaossecret' }
const TRUNK = {
  username: 'jambonz',
  password: 'trunk-password',
  roomPrefix: 'chaos',
  agentName: DEFAULT_AGENT.name,
  ringingTimeoutS: DIAL_TIMEOUT_S + 15
}
const ACCOUNT = { accountSid: 'account', apiKey: 'rest-key' }
const SECRET = 'wh_secret_chaos'
const OPERATOR_TOKEN = 'operator-token-operator-token'

/** Milliseconds between two calls, on average. */
const GAP_MS = 250
/**
 * After the last call things go wrong for as long again as a call takes, then all is well until every deadline has
 * passed.
 */
const STORM_AFTER_MS = 90_000
const QUIET_MS = 15 * 60_000
/** After the storm everybody's talk is watched for so long. */
const WATCHED_MS = 3 * 60_000
const RETENTION_S = 3600

/**
 * Lets many calls happen at once between the doubles of Jambonz and LiveKit and the real bridge, on one clock and over
 * one network that goes wrong, and says which rules were broken. The same seed and calls give the same run.
 */
export async function runWorld (options: WorldOptions): Promise<Outcome> {
  const { seed, calls: count } = options
  const random = createRandom(seed, 'world')
  const weather = options.weather ?? WEATHERS[seed % WEATHERS.length]!
  const warmAgents = POOL_SIZES[seed % POOL_SIZES.length]!
  const installation: Installation = weather === 'calm'
    ? { statusHook: true, webhooks: true, rest: true, agentLost: 'end', warmAgents }
    : {
        warmAgents,
        statusHook: random.chance(0.8),
        webhooks: random.chance(0.75),
        rest: random.chance(0.75),
        agentLost: random.pick(['end', 'next'])
      }
  const plans = planCalls(seed, count).filter(({ n }) => !options.only || options.only.includes(n))
  const byNumber = new Map(plans.map(plan => [plan.n, plan]))

  const started = Date.UTC(2026, 10, 21, 10)
  const clock = createWorldClock(started)
  const fates = createFates(weather)
  let fingerprint = 0
  const lines = createJournal(() => (clock.now() - started) / 1000)
  const journal = {
    linesOf: lines.linesOf,
    note (n: number | undefined, what: string) {
      // Ids are random, and their order means nothing.
      fingerprint = hash(`${n} ${clock.now()} ${what.length}`, fingerprint)
      lines.note(n, what)
    }
  }
  /** Calls of Jambonz, also those that call a person. */
  const callSids = new Map<string, number>()
  const sidOf = new Map<number, string>()
  const callOf = (text: string): number | undefined => {
    const number = callByNumber(text)
    if (number !== undefined) return number
    const room = /chaos_c[a-z2-7]{26}/.exec(text)
    const callSid = room
      ? watch.rooms.get(room[0])
      : /[Cc]alls\/([\w-]+)/.exec(text)?.[1] ?? /"call_sid":"([\w-]+)"/.exec(text)?.[1]
    return callSid === undefined ? undefined : callSids.get(callSid)
  }

  const network = createWorldNetwork({
    seed,
    clock,
    fates,
    journal,
    callOf,
    onArrival: (side, request, n) => rules.arrived(side, request, n),
    onAnswer: (path, status, ms, n) => rules.answered(path, status, ms, n)
  })
  const watch = watchRegistry(createMemoryRegistry(), {
    changed: call => rules.changed(call),
    ended (call) {
      const n = callSids.get(call.callSid)
      journal.note(n, `     ended: ${call.end?.cause}`)
      rules.ended(call, n)
    },
    broken: (callSid, what) => rules.broken(callSids.get(callSid), what)
  })
  const agents = createAgents(plans, { clock, network: () => network })
  const livekit = await createLiveKitDouble({
    ...API,
    webhookUrls: installation.webhooks ? [`${BRIDGE_URL}/livekit-events`] : [],
    agents,
    trunk: TRUNK,
    clock,
    network: network.at('livekit.test'),
    // The bridge's SDK knows only the system's clock.
    tokenTime: Date.now,
    sipTransport: 'udp',
    onEvent: (event, room) => rules.roomEvent(event, room)
  })
  network.rough.add(livekit.sipPort)
  const gateway = await createUserAgent({ clock, openTransport: network.at('gateway.test').openSip })
  const jambonz = await createJambonzDouble({
    callHook: `${BRIDGE_URL}/livekit-api`,
    ...installation.statusHook && { statusHook: `${BRIDGE_URL}/status#rc=2&rp=all` },
    webhookSecret: SECRET,
    ...ACCOUNT,
    applicationSid: 'application',
    gateways: { carrier: `127.0.0.1:${gateway.port}` },
    envVars: leg => isPerson(leg) ? undefined : envVarsOf(byNumber.get(callOf(`${leg.from} ${leg.to}`) ?? -1)),
    clock,
    network: network.at('jambonz.test')
  })
  jambonz.onCall((callSid, leg) => {
    const n = callOf(`${leg.from} ${leg.to}`)
    if (n === undefined) return
    callSids.set(callSid, n)
    if (!isPerson(leg)) sidOf.set(n, callSid)
    journal.note(n, `call_sid ${callSid}${isPerson(leg) ? ' calls the person' : ''}`)
  })

  const logged: string[] = []
  const logger = pino(
    { level: 'warn' },
    new Writable({
      write (chunk, _encoding, done) {
        logged.push(String(chunk))
        done()
      }
    })
  )
  const eventsUrl = await serveEvents(network, event => rules.told(event))
  const restore = takeOver(network, createRandom(seed, 'pauses'))
  const app = await buildApp({
    routes: routesWith({ ...RECORDED_TARGETS, allow: [...RECORDED_TARGETS.allow, PERSONS] }, { numbers: [NUMBERS.us] }),
    settings: loadSettings({
      PUBLIC_URL: BRIDGE_URL,
      LIVEKIT_URL: livekit.apiUrl,
      LIVEKIT_API_KEY: API.apiKey,
      LIVEKIT_API_SECRET: API.apiSecret,
      LIVEKIT_SIP_HOST: `${livekit.sipHost}:${livekit.sipPort}`,
      LIVEKIT_SIP_TRANSPORT: 'udp',
      LIVEKIT_SIP_USERNAME: TRUNK.username,
      LIVEKIT_SIP_PASSWORD: TRUNK.password,
      LIVEKIT_ROOM_PREFIX: TRUNK.roomPrefix,
      LIVEKIT_AGENT_NAME: DEFAULT_AGENT.name,
      JAMBONZ_WEBHOOK_SECRET: SECRET,
      ...installation.rest &&
        {
          JAMBONZ_REST_API_BASE_URL: jambonz.restUrl,
          JAMBONZ_ACCOUNT_SID: ACCOUNT.accountSid,
          JAMBONZ_API_KEY: ACCOUNT.apiKey,
          JAMBONZ_REST_PER_MINUTE: '6000'
        },
      EVENTS_URL: eventsUrl,
      EVENTS_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      EVENTS_ALLOW_PRIVATE: 'true',
      OPERATOR_TOKEN,
      DIAL_TIMEOUT_S: String(DIAL_TIMEOUT_S),
      MAX_CALL_DURATION_S: String(MAX_CALL_DURATION_S),
      AGENT_REDISPATCH_MS: '4000',
      AGENT_REJOIN_MS: '3000',
      AGENT_LOST_ACTION: installation.agentLost,
      CALL_RETENTION_S: String(RETENTION_S),
      WARM_AGENTS: String(warmAgents),
      WARM_AGENT_LIFE_S: String(WARM_LIFE_S),
      WARM_AGENTS_PER_S: '4'
    }),
    logger,
    clock,
    registry: watch.registry,
    restSender: createRestSenderIn(network, jambonz),
    eventSender: createEventSenderIn(network),
    rooms: createLiveKitRooms({
      url: livekit.apiUrl,
      ...API,
      createTimeoutS: TIMES.roomSettles / 1000,
      post: (url, options) => fetch(url, { method: 'POST', ...options })
    })
  })
  network.serveBridge(app)
  await app.ready()

  const storm = (plans.at(-1)?.at ?? 0) + STORM_AFTER_MS
  const rules = createRules({
    clock,
    plans: byNumber,
    jambonz,
    livekit,
    watch,
    witness: () => witness,
    numberOf: callSid => callSids.get(callSid),
    journal,
    weather,
    logged
  })
  const witness = createWitness({
    clock,
    jambonz,
    livekit,
    until: started + storm + WATCHED_MS,
    onAlone: (callSid, ms) => rules.isAlone(callSid, ms)
  })
  const phone = await createUserAgent({ clock, openTransport: network.at('phone.test').openSip })
  let idle = 0
  let called = 0
  const uri = `sip:${NUMBERS.us}@127.0.0.1:${jambonz.sipPort}`
  gateway.onInvite(call => {
    const plan = byNumber.get(callOf(call.request.uri) ?? -1)
    const isForPerson = call.request.uri.includes(PERSONS)
    const behaviour = isForPerson ? plan?.handOver?.person : plan?.outbound ?? plan?.fallback
    if (!plan || !behaviour) return call.respond(404)
    called++
    beCalled(call, behaviour, plan.carrier, clock).catch(() => {}).finally(() => {
      called--
    })
  })

  for (const plan of plans) clock.schedule(plan.at, () => begin(plan))
  for (const { what, from, to } of planOutages(createRandom(seed, 'outages'), weather, storm, options.rooms)) {
    clock.schedule(from, () => outage(what, true))
    clock.schedule(Math.min(to, storm), () => outage(what, false))
  }
  clock.schedule(storm, () => {
    fates.off = true
  })
  const accidents = createRandom(seed, 'accidents')
  if (warmAgents > 0 && weather !== 'calm') clock.schedule(ACCIDENT_MS, accident)

  try {
    for (let at = 0; at < storm + QUIET_MS; at += 30_000) {
      await clock.runUntil(started + at)
      if (at <= storm) {
        options.onProgress?.(
          `${Math.round(at / 1000)} s of ${
            Math.round(storm / 1000)
          } s, ${watch.calls.size} of ${plans.length} calls, ${rules.found.length} rules broken`
        )
      }
    }
    await rules.finish({
      idle,
      called,
      unanswered: network.unanswered(),
      stats: await watch.registry.stats(),
      waiting: new Set((await waitingRooms()).map(({ room }) => room))
    })
  } finally {
    fates.off = true
    const closing = Promise.all([app.close(), jambonz.close(), livekit.close(), phone.close(), gateway.close()])
    await clock.runUntil(clock.now() + 60_000)
    await closing
    restore()
  }
  rules.closed()
  return {
    seed,
    weather,
    installation,
    broken: rules.found,
    causes: countOf([...watch.calls.values()].map(call => call.end?.cause ?? 'none')),
    starts: countOf([...watch.calls.values()].flatMap(({ attempts }) => attempts.slice(0, 1)).map(({ warm, cold }) =>
      warm ? 'warm' : `cold (${cold ?? 'no pool'})`)),
    transfers: countOf([...watch.calls.values()].flatMap(transfersOf).map(transfer => {
      const { result, reason } = outcomeOf(transfer) ?? {}
      return `${transfer.request?.mode ?? 'REFER'} ${result} ${reason}`
    })),
    worldSeconds: Math.round((clock.now() - started) / 1000),
    fingerprint: fingerprint.toString(16)
  }

  async function waitingRooms (): Promise<WarmRoom[]> {
    const { warmRooms } = watch.registry
    return (await Promise.all((await warmRooms.pools()).map(pool => warmRooms.list(pool)))).flat()
  }

  /** The agent leaves a room that nobody calls into, or LiveKit closes it: perhaps just when a call claims it. */
  function accident (): void {
    if (fates.off) return
    const alone = livekit.rooms().filter(({ room, participants }) =>
      !watch.rooms.has(String(room.name)) && participants.every(({ kind }) => kind === 'AGENT'))
    if (alone.length > 0) {
      const room = String(accidents.pick(alone).room.name)
      if (accidents.chance(0.5)) livekit.agentsLeave(room)
      else livekit.expire(room)
    }
    clock.schedule(accidents.between(0, 2 * ACCIDENT_MS), accident)
  }

  function begin (plan: Plan): void {
    const { n, outbound, operatorAfterMs, bringBackAfterMs, mediaLostAfterMs, sipFault } = plan
    journal.note(n, plan.kind)
    if (sipFault) livekit.faults.sipCallers[plan.from] = sipFault
    if (outbound) {
      jambonz.createCall({ from: NUMBERS.us, to: { type: 'phone', number: plan.from }, application_sid: 'application' })
        .catch(() => {})
    } else {
      phoneUs(plan, { phone, uri, clock }).then(() => {
        idle++
      }, () => {})
    }
    const callSid = () => sidOf.get(n)
    if (operatorAfterMs !== undefined) clock.schedule(operatorAfterMs, () => operator(n, callSid()))
    if (bringBackAfterMs !== undefined) {
      clock.schedule(bringBackAfterMs, () => {
        jambonz.update(callSid() ?? '', { call_hook: `${BRIDGE_URL}/livekit-api` })
      })
    }
    if (mediaLostAfterMs !== undefined) {
      clock.schedule(mediaLostAfterMs, () => {
        for (const { room } of watch.calls.get(callSid() ?? '')?.attempts ?? []) {
          if (room !== undefined) livekit.endMedia(room)
        }
      })
    }
  }

  function outage (what: Outage, begins: boolean): void {
    for (const n of byNumber.keys()) lines.note(n, `${what} ${begins ? 'begins' : 'is over'}`)
    setOutage(what, begins, { livekit, jambonz, fates })
  }

  function operator (n: number, callSid: string | undefined): void {
    if (callSid === undefined) return
    app.inject({
      method: 'POST',
      url: `/calls/${callSid}/hangup`,
      headers: { authorization: `Bearer ${OPERATOR_TOKEN}` }
    }).then(({ statusCode }) => {
      journal.note(n, `operator hangs up: ${statusCode}`)
      rules.operatorAsked(n, statusCode)
    }, () => {})
  }
}

function planCalls (seed: number, count: number): Plan[] {
  const random = createRandom(seed, 'arrivals')
  let at = 0
  return Array.from({ length: count }, (_, n) => {
    at += random.next() * 2 * GAP_MS
    return planCall(n, at, createRandom(seed, 'plan', n))
  })
}

/** What the call's application asks for in Jambonz's portal. */
function envVarsOf (plan: Plan | undefined): Record<string, unknown> | undefined {
  if (!plan || (plan.agent === undefined && !plan.fallback)) return undefined
  return {
    ...plan.agent !== undefined && { LIVEKIT_AGENT_NAME: agentName(plan.n) },
    ...plan.fallback && { FALLBACK_NUMBER: NUMBERS.fallback(plan.n) }
  }
}

/** The bridge's HTTP clients find no other network than the process' own, and its pauses vary by no other chance. */
function takeOver (
  network: Pick<ReturnType<typeof createWorldNetwork>, 'fetch' | 'timeout'>,
  chance: Random
): () => void {
  const { fetch } = globalThis
  const { timeout } = AbortSignal
  const { random } = Math
  Math.random = () => chance.next()
  globalThis.fetch = network.fetch
  AbortSignal.timeout = network.timeout
  return () => {
    globalThis.fetch = fetch
    AbortSignal.timeout = timeout
    Math.random = random
  }
}

function countOf (items: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items.toSorted()) counts[item] = (counts[item] ?? 0) + 1
  return counts
}
