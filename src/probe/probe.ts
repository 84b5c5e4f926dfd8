import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import type { Settings } from '../config.ts'
import type { Finding } from '../finding.ts'
import { verbConfigOf } from '../jambonz/verb-config.ts'
import type { Step } from '../ladder/trace.ts'
import { livekitFinding } from '../livekit/finding.ts'
import type { DeleteOptions } from '../livekit/delete-for-good.ts'
import { createLiveKitRooms, type Rooms } from '../livekit/rooms.ts'
import { SipParseError } from '../sip/parse-error.ts'
import type { RtpStats } from '../sip/rtp.ts'
import type { TlsOptions, TransportName } from '../sip/user-agent.ts'
import { addressesTowards } from './address.ts'
import { DEFAULT_LIMITS, probeCall, type ProbeCall, type ProbeLimits } from './call.ts'
import type { ProbeContext } from './context.ts'
import { findingsOf } from './findings.ts'
import { networkErrorFinding } from './network-error.ts'
import { probeReach } from './reach.ts'
import { mayExist, planCall, PROBE_USER, removeRoom, type PlannedCall } from './room.ts'
import { isProjectHost, readTarget, type Target } from './target.ts'
import { ourTrunkLimits, type TrunkReader } from './trunk-limits.ts'
import { watchRoom, type Watched } from './watch.ts'

export interface ProbeOptions {
  /**
   * Of the LiveKit project. Without them only a `uri` can be called, without credentials and without a look into a
   * room.
   */
  settings?: Settings | undefined
  /** Called instead of a fresh room's token. */
  uri?: string | undefined
  transport?: TransportName | undefined
  /** Agent of the fresh room. Default LIVEKIT_AGENT_NAME. */
  agent?: string | undefined
  /** How long to listen after the answer, seconds. Default 5. */
  seconds?: number | undefined
  /** Only OPTIONS. */
  reachOnly?: boolean | undefined
  limits?: Partial<ProbeLimits>
  /** For an authority of one's own. */
  tls?: TlsOptions
  /** Ends the probe early: it hangs up and deletes its room first. */
  signal?: AbortSignal | undefined
  clock?: Clock
  rooms?: Rooms
  sip?: TrunkReader
  /** Every message as it goes or comes, for a ladder. */
  onStep?: (step: Step) => void
  /** What is done beside SIP, one line each. */
  onNote?: (line: string) => void
  /** What an unanswered call waits for, a line every few seconds. */
  onProgress?: (line: string) => void
}

export interface ProbeReport {
  /** What was called; undefined when it did not come to that. */
  uri?: string
  transport?: TransportName
  room?: { name: string, agent?: string }
  codec?: string
  audio?: RtpStats
  /** Milliseconds: of the agent since the room was made, of the rest since the first INVITE. */
  timings: {
    createRoom?: number
    firstResponse?: number
    ringing?: number
    answered?: number
    audio?: number
    agentJoined?: number
    agentAudio?: number
  }
  findings: Finding[]
  /** What a good probe does not prove. */
  notProven: string[]
  ladder: Step[]
}

/** How long to wait for an answer to OPTIONS, milliseconds: longer than a connection attempt, whose error says more. */
const REACH_MS = 12_000

export const NOT_PROVEN = [
  "that Jambonz's SBC reaches LiveKit: its own egress (address, firewall, allowed_addresses, DNS, transport) is not " +
  'the one of this machine',
  "that RTP flows between the SBC's media server and LiveKit, nor SRTP",
  'anything in front of LiveKit: the carrier, Jambonz, its hooks and their signatures'
]

/**
 * Calls LiveKit by SIP without Jambonz: with a fresh room and its agent, or any URI. Never throws for what LiveKit, the
 * network or the settings do: that becomes findings. Bounded in time; the room it made is deleted however it ends.
 */
export async function runProbe (options: ProbeOptions): Promise<ProbeReport> {
  const { clock = systemClock, settings } = options
  const report: ProbeReport = { timings: {}, findings: [], notProven: NOT_PROVEN, ladder: [] }
  const planned = settings && options.uri === undefined && !options.reachOnly
    ? planCall(settings, { agent: options.agent, transport: options.transport, now: clock.now() })
    : undefined
  const target = targetFor(options, planned?.uri)
  if ('code' in target) return { ...report, findings: [target] }
  Object.assign(report, { uri: target.uri, transport: target.transport })
  try {
    const run: Run = {
      options,
      clock,
      report,
      target,
      addresses: await addressesTowards(target.host, target.port),
      ours: isProjectHost(target, settings),
      onStep (step) {
        report.ladder.push(step)
        options.onStep?.(step)
      }
    }
    if (options.reachOnly) await reach(run)
    else if (planned && settings) await callRoom(run, settings, planned)
    else await callUri(run)
  } catch (error) {
    report.findings.push(networkFinding(error, target))
  }
  return report
}

/** What the steps of a probe share. */
interface Run {
  options: ProbeOptions
  clock: Clock
  report: ProbeReport
  target: Target
  addresses: Awaited<ReturnType<typeof addressesTowards>>
  /** The target is LIVEKIT_SIP_HOST. */
  ours: boolean
  onStep(step: Step): void
}

/** The room that a call should land in. */
interface ExpectedRoom {
  rooms: Rooms
  name: string
  token: string
  agent: string
  /** The probe made it. */
  made: boolean
}

/** What a call and the looks into its room showed. */
interface Seen {
  call: ProbeCall
  watched: Watched
}

async function reach ({ options, clock, report, target, addresses, onStep }: Run): Promise<void> {
  const limitMs = options.limits?.response ?? REACH_MS
  report.findings.push(await probeReach({ target, ...addresses, limitMs, clock, tls: options.tls, onStep }))
}

/** Calls into a fresh room, as for a call. */
async function callRoom (run: Run, settings: Settings, { room, token }: PlannedCall): Promise<void> {
  const { options, clock, report } = run
  const rooms = roomsFor(options, settings)
  report.room = { name: room.name, agent: room.agent.name }
  const began = clock.now()
  try {
    await rooms.create(room)
  } catch (error) {
    report.findings.push(livekitFinding(error, settings.LIVEKIT_URL))
    if (mayExist(error)) await cleanUp(run, rooms, room.name)
    return
  }
  report.timings.createRoom = clock.now() - began
  options.onNote?.(`Room ${room.name} made with agent ${room.agent.name} in ${report.timings.createRoom} ms`)
  let seen: Seen | undefined
  try {
    seen = await call(run, { rooms, name: room.name, token, made: true, agent: room.agent.name })
  } finally {
    await cleanUp(run, rooms, room.name, { settled: seen?.watched.agentJoinedMs !== undefined })
  }
}

/**
 * Calls whatever somebody wants to see called. At our own host LiveKit may make a room for the call, which is deleted;
 * a room that existed before is somebody's call.
 */
async function callUri (run: Run): Promise<void> {
  const { options, report, target } = run
  const { settings } = options
  if (!settings || !run.ours || target.user === '') {
    await call(run)
    return
  }
  const rooms = roomsFor(options, settings)
  const name = `${settings.LIVEKIT_ROOM_PREFIX}_${target.user}`
  try {
    if ((await rooms.list([name])).length > 0) {
      report.findings.push(roomInUse(name))
      return
    }
  } catch (error) {
    // Without a look beforehand nobody knows whose room it is: it is left alone.
    await call(run)
    report.findings.push({ ...livekitFinding(error, settings.LIVEKIT_URL), severity: 'warning' })
    return
  }
  const agent = settings.LIVEKIT_AGENT_NAME
  const seen = await call(run, { rooms, name, token: target.user, made: false, agent })
  if (seen && mayHaveEntered(seen)) {
    await cleanUp(run, rooms, name, { settled: seen.watched.agentJoinedMs !== undefined })
  }
}

/** LiveKit makes a room for a call only after it has rung. */
const mayHaveEntered = ({ call: { responses }, watched }: Seen): boolean =>
  watched.look?.exists === true || responses.some(({ status }) => status >= 180 && status < 300)

/** Makes the call and adds what it showed to the report. @returns undefined when it was interrupted before */
async function call (run: Run, room?: ExpectedRoom): Promise<Seen | undefined> {
  const { options, clock, report, target, onStep } = run
  const { settings, signal } = options
  if (signal?.aborted) {
    report.findings.push({
      code: 'interrupted',
      severity: 'skipped',
      seen: 'The probe was interrupted before it called.',
      todo: 'Run it again'
    })
    return undefined
  }
  const auth = run.ours && settings ? verbConfigOf(settings).sipAuth : undefined
  const watch = room &&
    watchRoom({ rooms: room.rooms, name: room.name, caller: { callSid: '', token: room.token }, clock, onStep })
  const progress = tellProgress(run, room, watch?.seen)
  let seen: ProbeCall
  try {
    seen = await probeCall({
      uri: target.uri,
      transport: target.transport,
      own: run.addresses.own,
      from: PROBE_USER,
      auth,
      limits: limitsOf(options),
      clock,
      tls: options.tls,
      signal,
      onStep: progress.step
    })
  } finally {
    progress.stop()
    await watch?.stop()
  }
  const watched: Watched = watch?.seen ?? {}
  if (room && !room.made && watched.look?.exists) report.room = { name: room.name }
  record(report, seen, watched)
  report.findings.push(...findingsOf(seen, await contextOf(run, { seen, watched, room, hasAuth: auth !== undefined })))
  return { call: seen, watched }
}

/** What the call is judged with. LiveKit is asked once more where its own limits may have ended the call. */
async function contextOf (
  { options: { settings, sip }, target, addresses, ours }: Run,
  { seen, watched, room, hasAuth }: {
    seen: ProbeCall
    watched: Watched
    room: ExpectedRoom | undefined
    hasAuth: boolean
  }
): Promise<ProbeContext> {
  const busy = seen.final?.status === 486
  const endedThere = busy || seen.ended?.by === 'livekit'
  return {
    ...target,
    ...addresses,
    ours,
    hasCredentials: hasAuth,
    srtp: settings?.LIVEKIT_SIP_SRTP === true,
    livekitUrl: settings?.LIVEKIT_URL,
    trunk: endedThere && ours && settings ? await ourTrunkLimits(settings, sip) : undefined,
    room: room && {
      name: room.name,
      made: room.made,
      agent: room.agent,
      closed: busy && await isGone(room.rooms, room.name),
      ...watched
    }
  }
}

/** Puts the times and the audio of a call into the report. */
function record (report: ProbeReport, seen: ProbeCall, { agentJoinedMs, agentAudioMs }: Watched): void {
  const since = (at: number | undefined) =>
    at === undefined || seen.invitedAt === undefined ? undefined : Math.max(0, at - seen.invitedAt)
  const answered = seen.final && seen.final.status < 300 ? seen.final.at : undefined
  report.timings = defined({
    ...report.timings,
    firstResponse: since(seen.responses[0]?.at),
    ringing: since(seen.responses.find(({ status }) => status >= 180 && status < 200)?.at),
    answered: since(answered),
    audio: since(seen.audio?.firstAudibleAt),
    agentJoined: agentJoinedMs,
    agentAudio: agentAudioMs
  })
  if (seen.codec !== undefined) report.codec = seen.codec
  if (seen.audio) report.audio = { ...seen.audio }
}

async function cleanUp ({ report }: Run, rooms: Rooms, name: string, options: DeleteOptions = {}): Promise<void> {
  const finding = await removeRoom(rooms, name, options)
  if (finding) report.findings.push(finding)
}

/** A probe that waits says so this often, milliseconds. */
const PROGRESS_MS = 5000

/** Passes the steps on, and tells every few seconds what an unanswered call waits for. */
function tellProgress (
  { options: { onProgress }, clock, onStep }: Run,
  room: ExpectedRoom | undefined,
  watched: Watched | undefined
): { step(step: Step): void, stop(): void } {
  const began = clock.now()
  let rang = false
  let answered = false
  let cancel = () => {}
  const again = () => {
    cancel = clock.schedule(PROGRESS_MS, () => {
      if (answered) return
      onProgress?.(progressLine(Math.round((clock.now() - began) / 1000), rang, room?.agent, watched))
      again()
    })
  }
  again()
  return {
    step (step) {
      if (step.via === 'sip' && step.from === 'livekit' && /^18\d /.test(step.what)) rang = true
      if (step.via === 'sip' && step.from === 'livekit' && /^2\d\d /.test(step.what)) answered = true
      onStep(step)
    },
    stop: () => cancel()
  }
}

function progressLine (
  seconds: number,
  rang: boolean,
  agent: string | undefined,
  watched: Watched | undefined
): string {
  if (!rang) return `No ringing after ${seconds} s`
  if (agent === undefined || !watched?.look) return `Ringing for ${seconds} s`
  if (watched.agentJoinedMs === undefined) return `Ringing for ${seconds} s: agent ${agent} is not in the room yet`
  return `Ringing for ${seconds} s: agent ${agent} is in the room${
    watched.agentAudioMs === undefined ? ' and has published no audio yet' : ' with audio'
  }`
}

const roomInUse = (name: string): Finding => ({
  code: 'room-in-use',
  severity: 'failed',
  seen: `Room ${name} exists already: the call would land in the middle of somebody else's, who would hear it. ` +
    'Nothing was dialled.',
  todo: 'Probe with a fresh room instead',
  command: 'bridge probe'
})

const roomsFor = ({ rooms }: ProbeOptions, settings: Settings): Rooms =>
  rooms ??
    createLiveKitRooms({
      url: settings.LIVEKIT_URL,
      apiKey: settings.LIVEKIT_API_KEY,
      apiSecret: settings.LIVEKIT_API_SECRET,
      createTimeoutS: settings.LIVEKIT_TIMEOUT_MS / 1000
    })

function targetFor (
  { uri, settings, transport, reachOnly }: ProbeOptions,
  planned: string | undefined
): Target | Finding {
  const text = uri ?? planned ?? (reachOnly && settings ? settings.LIVEKIT_SIP_HOST : undefined)
  if (text === undefined) {
    return {
      code: 'settings-unusable',
      severity: 'failed',
      seen: 'There are no settings of a LiveKit project, and no URI to call.',
      todo:
        'Set LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, LIVEKIT_SIP_HOST and LIVEKIT_AGENT_NAME, or name a URI',
      command: 'bridge probe --uri sip:user@host'
    }
  }
  try {
    // A URI without a transport means UDP (RFC 3261, section 19.1.2); the host of the settings has theirs.
    return readTarget(text, {
      transport,
      ...(uri === undefined && settings && { fallback: settings.LIVEKIT_SIP_TRANSPORT })
    })
  } catch (error) {
    if (!(error instanceof SipParseError)) throw error
    return {
      code: 'uri-unusable',
      severity: 'failed',
      seen: `That is no SIP URI: ${error.message}.`,
      todo: 'Write it as sip:user@host, with ;transport=tcp or tls where it is not UDP',
      command: "bridge probe --uri 'sip:user@host;transport=tcp'"
    }
  }
}

function networkFinding (error: unknown, target: Target): Finding {
  const { code, message } = error as { code?: unknown, message?: unknown }
  if (code === 'EADDRNOTAVAIL' || code === 'EADDRINUSE' || code === 'EACCES' || code === 'EMFILE') {
    return {
      code: 'probe-cannot-listen',
      severity: 'failed',
      seen: `This machine lets the probe open no port for SIP or RTP (${String(code)}).`,
      todo: 'Run it where UDP and TCP ports may be opened'
    }
  }
  return networkErrorFinding({
    code: typeof code === 'string' ? code : '',
    message: typeof message === 'string' ? message : ''
  }, { host: target.host, port: target.port, transport: target.transport, sent: false, status: 503 })
}

function limitsOf ({ limits, seconds, settings }: ProbeOptions): ProbeLimits {
  return {
    ...DEFAULT_LIMITS,
    ...(settings && { answer: settings.DIAL_TIMEOUT_S * 1000 }),
    ...(seconds !== undefined && { listen: seconds * 1000 }),
    ...limits
  }
}

/** Whether a room has gone although its emptyTimeout is not over: somebody deleted it. */
async function isGone (rooms: Rooms, name: string): Promise<boolean> {
  return await rooms.list([name]).then(there => there.length === 0, () => false)
}

function defined<T extends object> (values: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
}
