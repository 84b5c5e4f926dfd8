import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock, within } from '../clock.ts'
import { createLiveLadder, ladderOptionsFor } from '../ladder/ladder.ts'
import { PARTIES } from '../ladder/parties.ts'
import type { LadderOptions, LiveLadder } from '../ladder/ladder.ts'
import type { Step } from '../ladder/trace.ts'
import { plain } from '../terminal.ts'
import { DEMO_CALLS, phoneFor } from './demo-calls.ts'
import type { DemoCall } from './demo-calls.ts'
import { setStage } from './demo-stage.ts'
import type { Stage, StartBridge } from './demo-stage.ts'
import { answerLine, isRight, judge } from './demo-verdict.ts'
import type { Verdict } from './demo-verdict.ts'

export interface DemoOptions {
  startBridge: StartBridge
  /** The terminal or file that the demo writes to. */
  out: DemoOutput
  /** The calls that are played, of {@link DEMO_CALLS}; by default all of them. */
  calls?: readonly DemoCall[]
  /** Whether to end after the calls, instead of keeping the bridge running. */
  once: boolean
  /** The environment, which decides about colours and width; by default that of the process. */
  env?: Record<string, string | undefined>
  /** Ends the demo at any time. By default the first SIGINT or SIGTERM does. */
  signal?: AbortSignal
  /** The command that starts the command line, for the suggestions of the demo; by default that of this process. */
  command?: string
}

export interface DemoOutput {
  write(text: string): unknown
  on?(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown
  isTTY?: boolean
  columns?: number
}

/** The lifelines of a call that the bridge was asked for. */
const ORDER_PARTIES: typeof PARTIES = PARTIES.map(party => party === 'caller' ? 'phone' : party)
/** The lifelines of a call that is handed to a person. */
const TRANSFER_PARTIES: typeof PARTIES = PARTIES.flatMap(party => party === 'caller' ? [party, 'person'] : [party])
const CALL_TIMEOUT_MS = 15_000
/** Messages that explain nothing. The ladders leave them out. */
const HOUSEKEEPING = /^(ACK|100 |200 OK \(|track_unpublished|(200 )?(ListParticipants|ListDispatch|SendData)$)/

/** Of a warm call: the bridge makes the room for the next one. All of this happened to its own room before the call. */
const NEXT_ROOM =
  /^((200 )?CreateRoom|room_started|job .*|joins|publishes audio|(participant_joined|track_published) AGENT)$/
/** The bridge has a room with a waiting agent within this time, milliseconds. */
const POOL_MS = 10_000

/**
 * Shows the bridge at work without any account. Real calls go over SIP and HTTP on loopback, from a phone through a
 * Jambonz double, the bridge itself and a LiveKit double. The demo draws each call as a ladder while it happens, and
 * then prints the cause that the bridge's operator API gives for its end.
 *
 * @returns the exit code: 0 when every call ended as announced or the reader of `out` closed it, 1 when a call ended in
 * another way, 130 when it was interrupted before
 * @throws {Error} when a part cannot start, for example without a development dependency
 */
export async function runDemo (options: DemoOptions): Promise<number> {
  const { out, calls = DEMO_CALLS } = options
  const reader = watchReader(out)
  const signal = AbortSignal.any([options.signal ?? interruption(), reader.gone])
  const view = ladderOptionsFor(out, options.env ?? process.env)
  const write = (text: string) => {
    if (!reader.gone.aborted) out.write(text)
  }
  const say = (text = '') => write(text + '\n')

  say(strong('Eight phone calls: phone → Jambonz → bridge → LiveKit → agent.', view))
  say('The sixth goes the other way, and the last two are handed to a person.')
  say('Jambonz, LiveKit, the phone and the agents are played here; the bridge, HTTP and SIP are real.')
  const stage = await setStage(options.startBridge)
  try {
    for (const line of legend(view)) say(line)
    say(`The bridge's OpenAPI page, while this runs: ${stage.bridge.url}/docs`)

    let right = 0
    let coldMs: number | undefined
    for (const [index, call] of calls.entries()) {
      say()
      announce(call, index + 1, say, view)
      const parties = partiesOf(call)
      const verdict = await play(stage, call, createLiveLadder(write, { ...view, parties }), signal)
      if (signal.aborted) break
      if (isRight(call, verdict)) right++
      say()
      say(judge(call, verdict, view))
      const answer = answerLine(call, verdict, coldMs)
      if (answer) say(answer)
      coldMs ??= verdict.answeredMs
    }
    if (reader.gone.aborted) return 0
    if (signal.aborted) return 130

    say()
    say(strong(`${right} of ${calls.length} calls ended as announced.`, view))
    if (!options.once) {
      suggest(stage, say, options.command ?? ownCommand())
      await goOn(stage, calls, signal)
      say()
    }
    return right === calls.length ? 0 : 1
  } finally {
    await stage.close()
  }
}

/** Notices when the reader of the output has closed it, as `| head` does. */
function watchReader (out: DemoOutput): { gone: AbortSignal } {
  const controller = new AbortController()
  out.on?.('error', error => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error
    controller.abort()
  })
  return { gone: controller.signal }
}

/** What a newcomer needs to know to read the ladders. */
function legend ({ colour }: LadderOptions): string[] {
  const paint = (code: number, text: string) => `\x1b[${code}m${text}\x1b[0m`
  return [
    ...colour
      ? [`Colours: ${paint(36, 'SIP')}, ${paint(33, 'HTTP')}, ${paint(35, 'the LiveKit room')}, ${
          paint(31, 'a refusal or failure')
        }.`]
      : [],
    'Two refusals are normal here: 407 asks for the password of the SIP trunk, and 404 answers the bridge when it',
    'deletes a room that is gone already.'
  ]
}

function announce (call: DemoCall, n: number, say: (text?: string) => void, view: LadderOptions): void {
  say(strong(`${n}. ${call.says}`, view))
  if (call.route !== undefined) {
    say('   The routes file has a route for this number:')
    say()
    say(call.route.trimEnd())
  }
  if (call.order !== undefined) say(`   POST /calls ${JSON.stringify(call.order)}`)
  say()
}

/** Plays one call, from the phone's INVITE to the cause that the bridge names. A failure is the verdict's `problem`. */
async function play (stage: Stage, call: DemoCall, ladder: LiveLadder, signal: AbortSignal): Promise<Verdict> {
  let lastStep = Date.now()
  const draw = (step: Step) => {
    lastStep = Date.now()
    const isLeftOut = HOUSEKEEPING.test(step.what) || (call.warm && NEXT_ROOM.test(step.what))
    if (!isLeftOut) ladder.step(call.transfer === undefined ? step : withPerson(step))
  }
  stage.envVars['LIVEKIT_AGENT_NAME'] = call.agent
  let callSid = ''
  stage.jambonz.onCall(sid => {
    callSid ||= sid
  })
  try {
    // The bridge makes a room with an agent when it starts, and again after the warm call. No ladder shows that.
    await within(systemClock, POOL_MS, agentWaits(stage, signal), () => new Error('no agent waits for the warm call'))
    stage.screen.show = draw
    const phoned = call.order === undefined ? phone(stage, call, signal) : order(stage, call.order)
    const { answeredMs } = await within(
      systemClock,
      CALL_TIMEOUT_MS,
      phoned,
      () => new Error('the call did not end')
    )
    const verdict = await within(
      systemClock,
      CALL_TIMEOUT_MS,
      endOf(stage, () => callSid, signal),
      () => new Error('the bridge did not report the end of the call')
    )
    // The ladder also shows the duties that follow the end, such as the deletion of the room.
    const settled = Date.now() + 2000
    do await sleep(100)
    while (Date.now() - lastStep < 200 && Date.now() < settled)
    return { ...verdict, ...answeredMs === undefined ? {} : { answeredMs } }
  } catch (error) {
    return { problem: (error as Error).message }
  } finally {
    stage.screen.show = () => {}
    ladder.end()
  }
}

function partiesOf ({ order, transfer }: DemoCall): typeof PARTIES {
  if (transfer !== undefined) return TRANSFER_PARTIES
  return order === undefined ? PARTIES : ORDER_PARTIES
}

/** The phone that Jambonz calls is that of the person. */
function withPerson (step: Step): Step {
  const named = (party: Step['from']) => party === 'phone' ? 'person' : party
  return { ...step, from: named(step.from), to: named(step.to) }
}

/** A person calls. Resolves when the call is over. */
async function phone ({ jambonz, phone }: Stage, call: DemoCall, signal: AbortSignal): Promise<Answered> {
  const uri = `sip:${call.to}@${jambonz.sipHost}:${jambonz.sipPort}`
  const invitedAt = Date.now()
  const answeredAt = await phoneFor(call, phone.invite(uri, { from: call.from }), signal)
  return answeredAt === undefined ? {} : { answeredMs: answeredAt - invitedAt }
}

/** How soon a phone that called was answered. */
type Answered = Pick<Verdict, 'answeredMs'>

/** Resolves when the bridge has a room with a waiting agent. */
async function agentWaits ({ bridge }: Stage, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const metrics = await (await fetch(`${bridge.url}/metrics`, { signal: AbortSignal.timeout(5000) })).text()
    if (/^bridge_warm_rooms\{.*state="ready".*\} [1-9]/m.test(metrics)) return
    await sleep(50)
  }
}

/** A program orders a call from the bridge. */
async function order (stage: Stage, body: object): Promise<Answered> {
  const response = await fetch(`${stage.bridge.url}/calls`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.operatorToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5000)
  })
  if (response.status !== 201) throw new Error(`POST /calls was answered ${response.status} ${await response.text()}`)
  return {}
}

/** Asks the operator API until it knows the end of the call. */
async function endOf (stage: Stage, callSid: () => string, signal: AbortSignal): Promise<Verdict> {
  for (;;) {
    if (signal.aborted) return {}
    const response = await fetch(`${stage.bridge.url}/calls/${callSid()}`, {
      headers: { authorization: `Bearer ${stage.operatorToken}` },
      signal: AbortSignal.timeout(5000)
    })
    const call = await response.json() as { phase?: string, end?: Verdict } & Pick<Verdict, 'attempts' | 'transfers'>
    const { attempts = [], transfers = [] } = call
    if (call.phase === 'ended' && call.end) return { ...call.end, attempts, transfers }
    await sleep(50)
  }
}

function suggest (stage: Stage, say: (text?: string) => void, command: string): void {
  const { url } = stage.bridge
  const here = (words: string) => `(cd ${stage.folder} && ${command} ${words})`
  say()
  say('The same calls go on, one after the other, until Ctrl-C. Watch them in the console, with this token:')
  say(`  console  ${url}/console/`)
  say(`  token    ${stage.operatorToken}`)
  say('Or look from another terminal:')
  say(`  calls    ${here('calls')}`)
  say(`  doctor   ${here('doctor')}`)
  say('           finds the agent that is missing')
  say(`  routes   ${here('routes test --to +15551230001')}`)
  say(`  API      ${url}/docs`)
  say(`  HTTP     curl -H 'Authorization: Bearer ${stage.operatorToken}' ${url}/calls`)
}

/** Milliseconds between two calls that nobody sees in the terminal. */
const PAUSE_MS = 2000
const NO_LADDER: LiveLadder = { step () {}, end () {} }

/** Plays the calls again and again, so that there is something to see in the console. */
async function goOn (stage: Stage, calls: readonly DemoCall[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const call of calls) {
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      await play(stage, call, NO_LADDER, signal)
    }
  }
}

/** The command that started this process, in a form that works in another folder. */
function ownCommand (): string {
  const script = process.argv[1] ?? 'bridge'
  return `node ${/\s/.test(script) ? JSON.stringify(script) : script}`
}

function interruption (): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
  return controller.signal
}

function strong (text: string, view: LadderOptions): string {
  const shown = plain(text, view)
  return view.colour ? `\x1b[1m${shown}\x1b[0m` : shown
}
