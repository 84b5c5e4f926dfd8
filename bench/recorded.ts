import { createHash, createHmac, randomInt, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { API_KEY, API_SECRET, ROOM_PREFIX, WEBHOOK_SECRET } from './environment.ts'
import type { Shot } from './load.ts'
import { ROOT } from './processes.ts'

/*
 * Hooks as Jambonz and LiveKit sent them in a recorded call, byte by byte, with other ids and numbers, signed anew.
 */

interface RecordedRequest {
  url: string
  headers: Record<string, string>
  body: string
}
interface Recording {
  room: string
  jambonz: RecordedRequest[]
  livekit: RecordedRequest[]
}

/** One call of the bench. `token` is known once its call hook is answered. */
export interface BenchCall {
  callSid: string
  legSid: string
  from: string
  token?: string
}

const recording = JSON.parse(
  readFileSync(new URL('test/fixtures/chain/normal-caller-hangs-up.json', ROOT), 'utf8')
) as Recording
const hooks = recording.jambonz.map(({ url, headers, body }) => ({
  path: url.split('?')[0]!,
  userAgent: headers['user-agent']!,
  body,
  said: JSON.parse(body) as Record<string, string>
}))
const callHook = hooks.find(({ path }) => path === '/livekit-api')!
const statuses = (test: (status: string, leg: 'caller' | 'agent') => boolean) =>
  hooks.filter(({ path, said }) =>
    path === '/status' && test(said.call_status!, said.parent_call_sid === undefined ? 'caller' : 'agent')
  )

const RINGING = statuses(status => status === 'trying' || status === 'ringing')
const ANSWERED = statuses(status => status === 'in-progress')
const HUNG_UP = statuses((status, leg) => status === 'completed' && leg === 'caller')[0]!
const JOINED = recording.livekit.filter(({ body }) =>
  /"event":\s*"(room_started|participant_joined|track_published)"/.test(body)
)

/** The same without the caller. Events about tracks do not say of which kind their participant is. */
const AGENT_JOINED = JOINED.filter(({ body }) => /"event":\s*"room_started"|"identity":\s*"agent-/.test(body))

const RECORDED: Record<'callSid' | 'legSid' | 'from' | 'token', string> = {
  callSid: callHook.said.call_sid!,
  legSid: RINGING.find(({ said }) => said.parent_call_sid !== undefined)!.said.call_sid!,
  from: callHook.said.from!,
  token: recording.room.slice(recording.room.indexOf('_') + 1)
}

export const newCall = (): BenchCall => ({
  callSid: randomUUID(),
  legSid: randomUUID(),
  from: `+1555${String(randomInt(10_000_000)).padStart(7, '0')}`
})

/** The call hook. Its reply must dial, and tells the token. */
export function hookOf (call: BenchCall): Shot {
  return jambonz(callHook, call, (status, text) => {
    call.token = /"sipUri":"sip:([^@"]+)@/.exec(text)?.[1]
    return status === 200 && text.includes('"verb":"dial"') && call.token !== undefined
  })
}

/** Both legs until the agent's rings: three events. */
export const ringing = (call: BenchCall): Shot[] => RINGING.map(hook => jambonz(hook, call))
/** Both legs are answered: two events. */
export const answered = (call: BenchCall): Shot[] => ANSWERED.map(hook => jambonz(hook, call))
/** The caller hangs up: the call is over, and its room goes. */
export const hungUp = (call: BenchCall): Shot => jambonz(HUNG_UP, call)
/** LiveKit's side until the agent's audio is there: five events. */
export const joined = (call: BenchCall): Shot[] => JOINED.map(({ body, headers }) => livekit(body, headers, call))

/** LiveKit's side of a room in which an agent waits: three events. */
export const agentJoins = (call: BenchCall): Shot[] =>
  AGENT_JOINED.map(({ body, headers }) => livekit(body, headers, call))

const isTaken = (status: number): boolean => status === 200

function of (call: BenchCall, text: string): string {
  const room = text.replaceAll(recording.room, `${ROOM_PREFIX}_${RECORDED.token}`).replaceAll(
    '"livekit-dial"',
    '"attempt-1"'
  )
  return (['callSid', 'legSid', 'from', 'token'] as const).reduce(
    (filled, name) => filled.replaceAll(RECORDED[name], call[name] ?? RECORDED[name]),
    room
  )
}

function jambonz (
  { path, userAgent, body }: { path: string, userAgent: string, body: string },
  call: BenchCall,
  isRight: Shot['isRight'] = isTaken
): Shot {
  const raw = of(call, body)
  const time = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', WEBHOOK_SECRET).update(`${time}.${raw}`).digest('hex')
  return {
    path,
    headers: {
      'content-type': 'application/json',
      'user-agent': userAgent,
      'jambonz-signature': `t=${time},v1=${signature}`
    },
    body: raw,
    isRight
  }
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function livekit (body: string, headers: Record<string, string>, call: BenchCall): Shot {
  const raw = of(call, body)
  const now = Math.floor(Date.now() / 1000)
  const head = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${
    base64url({ iss: API_KEY, nbf: now, exp: now + 300, sha256: createHash('sha256').update(raw).digest('base64') })
  }`
  const authorization = `${head}.${createHmac('sha256', API_SECRET).update(head).digest('base64url')}`
  return {
    path: '/livekit-events',
    headers: { 'content-type': headers['content-type']!, 'user-agent': headers['user-agent']!, authorization },
    body: raw,
    isRight: isTaken
  }
}
