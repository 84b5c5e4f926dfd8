import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import type { Settings } from '../config.ts'
import type { Finding } from '../finding.ts'
import { verbConfigOf } from '../jambonz/verb-config.ts'
import type { Step } from '../ladder/trace.ts'
import { livekitFinding } from '../livekit/finding.ts'
import { createLiveKitRooms, type Rooms } from '../livekit/rooms.ts'
import { SipParseError } from '../sip/parse-error.ts'
import type { RtpStats } from '../sip/rtp.ts'
import type { TlsOptions, TransportName } from '../sip/user-agent.ts'
import { addressesTowards } from './address.ts'
import { DEFAULT_LIMITS, probeCall, type ProbeCall, type ProbeLimits } from './call.ts'
import type { ProbeContext } from './context.ts'
import { findingsOf } from './findings.ts'
import { localFinding } from './network-error.ts'
import { probeReach } from './reach.ts'
import { mayExist, planCall, PROBE_USER, removeRoom } from './room.ts'
import { isOurs, readTarget, type Target } from './target.ts'
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
  /** How long to listen, seconds. Default 5. */
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
  /** Every message as it goes or comes, for a ladder. */
  onStep?: (step: Step) => void
  /** What is done beside SIP, one line each. */
  onNote?: (line: string) => void
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

/** For an answer to OPTIONS, milliseconds; longer than a connection attempt, whose end tells more. */
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
  const { clock = systemClock, settings, signal, onNote = () => {} } = options
  const report: ProbeReport = { timings: {}, findings: [], notProven: NOT_PROVEN, ladder: [] }
  const onStep = (step: Step) => {
    report.ladder.push(step)
    options.onStep?.(step)
  }
  const rooms = options.rooms ??
    (settings &&
      createLiveKitRooms({
        url: settings.LIVEKIT_URL,
        apiKey: settings.LIVEKIT_API_KEY,
        apiSecret: settings.LIVEKIT_API_SECRET,
        createTimeoutS: settings.LIVEKIT_TIMEOUT_MS / 1000
      }))
  const planned = settings && options.uri === undefined && !options.reachOnly
    ? planCall(settings, { agent: options.agent, transport: options.transport, now: clock.now() })
    : undefined

  const target = targetFor(options, planned?.uri)
  if ('code' in target) return { ...report, findings: [target] }
  Object.assign(report, { uri: target.uri, transport: target.transport })

  let addresses
  try {
    addresses = await addressesTowards(target.host, target.port)
  } catch (error) {
    return { ...report, findings: [networkFinding(error, target)] }
  }
  try {
    if (options.reachOnly) {
      report.findings.push(
        await probeReach({
          target,
          ...addresses,
          limitMs: options.limits?.response ?? REACH_MS,
          clock,
          tls: options.tls,
          onStep
        })
      )
    } else if (planned) await callRoom(addresses, rooms!, planned)
    else await callUri(addresses)
  } catch (error) {
    report.findings.push(networkFinding(error, target))
  }
  return report

  /** A fresh room, as for a call. */
  async function callRoom (
    addresses: Addresses,
    rooms: Rooms,
    { room, token }: NonNullable<typeof planned>
  ): Promise<void> {
    report.room = { name: room.name, agent: room.agent.name }
    const began = clock.now()
    try {
      await rooms.create(room)
    } catch (error) {
      report.findings.push(livekitFinding(error, settings!.LIVEKIT_URL))
      if (mayExist(error)) await cleanUp(rooms, room.name)
      return
    }
    report.timings.createRoom = clock.now() - began
    onNote(`Room ${room.name} made with agent ${room.agent.name} in ${report.timings.createRoom} ms`)
    try {
      await call(addresses, { rooms, name: room.name, token, made: true, agent: room.agent.name })
    } finally {
      await cleanUp(rooms, room.name)
    }
  }

  /**
   * Whatever somebody wants to see called. At our own host LiveKit may make a room for it, which is deleted; a room
   * that was there is somebody's call.
   */
  async function callUri (addresses: Addresses): Promise<void> {
    const { user } = target as Target
    const name = settings && rooms && user !== '' && isOurs(target as Target, settings)
      ? `${settings.LIVEKIT_ROOM_PREFIX}_${user}`
      : undefined
    if (name === undefined || !rooms || !settings) return await call(addresses)
    try {
      if ((await rooms.list([name])).length > 0) {
        report.findings.push({
          code: 'room-in-use',
          severity: 'failed',
          seen: `Room ${name} is there already: the call would land in the middle of somebody else's, who would hear ` +
            'it. Nothing was dialled.',
          todo: 'Probe with a fresh room instead',
          command: 'bridge probe'
        })
        return
      }
    } catch (error) {
      // Without a look beforehand nobody knows whose room it is: it is left alone.
      await call(addresses)
      report.findings.push({ ...livekitFinding(error, settings.LIVEKIT_URL), severity: 'warning' })
      return
    }
    try {
      await call(addresses, { rooms, name, token: user, made: false, agent: settings.LIVEKIT_AGENT_NAME })
    } finally {
      await cleanUp(rooms, name)
    }
  }

  async function call (
    addresses: Addresses,
    room?: { rooms: Rooms, name: string, token: string, made: boolean, agent: string }
  ): Promise<void> {
    if (signal?.aborted) {
      report.findings.push({
        code: 'interrupted',
        severity: 'skipped',
        seen: 'The probe was interrupted before it called.',
        todo: 'Run it again'
      })
      return
    }
    const ours = isOurs(target as Target, settings)
    const auth = ours && settings ? verbConfigOf(settings).sipAuth : undefined
    const watch = room &&
      watchRoom({ rooms: room.rooms, name: room.name, caller: { callSid: '', token: room.token }, clock, onStep })
    let seen: ProbeCall
    try {
      seen = await probeCall({
        uri: (target as Target).uri,
        transport: (target as Target).transport,
        own: addresses.own,
        from: PROBE_USER,
        auth,
        limits: limitsOf(options),
        clock,
        tls: options.tls,
        signal,
        onStep
      })
    } finally {
      await watch?.stop()
    }
    const watched: Watched = watch?.seen ?? {}
    const closed = seen.final?.status === 486 && room !== undefined && await isGone(room.rooms, room.name)
    const context: ProbeContext = {
      ...target as Target,
      ...addresses,
      ours,
      hasCredentials: auth !== undefined,
      srtp: settings?.LIVEKIT_SIP_SRTP === true,
      livekitUrl: settings?.LIVEKIT_URL,
      room: room && { name: room.name, made: room.made, agent: room.agent, closed, ...watched }
    }
    if (room && !room.made && watched.look?.exists) report.room = { name: room.name }
    take(seen, watched)
    report.findings.push(...findingsOf(seen, context))
  }

  function take (seen: ProbeCall, { agentJoinedMs, agentAudioMs }: Watched): void {
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

  async function cleanUp (rooms: Rooms, name: string): Promise<void> {
    const finding = await removeRoom(rooms, name)
    if (finding) report.findings.push(finding)
  }
}

type Addresses = Awaited<ReturnType<typeof addressesTowards>>

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
    // Without a transport in it a URI is for UDP (RFC 3261 19.1.2), a host of the settings for theirs.
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
  return localFinding({
    code: typeof code === 'string' ? code : '',
    message: typeof message === 'string' ? message : ''
  }, { host: target.host, transport: target.transport, sent: false, status: 503 })
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
