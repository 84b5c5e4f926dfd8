import type { Finding } from '../finding.ts'
import { livekitFinding } from '../livekit/finding.ts'
import { ProvisionError } from '../provisioning/livekit.ts'
import { LiveKitError } from '../livekit/rooms.ts'
import type { Check, DoctorContext } from './check.ts'
import { livekitState } from './livekit-state.ts'

/**
 * Whether the API answers, knows the key, and lets it do what the bridge does. A right to make rooms shows only by
 * making one: the check `agent` does.
 */
export const livekitApiCheck: Check = {
  name: 'livekit-api',
  title: "Does LiveKit's API answer, and may the key administer SIP and rooms?",
  readOnly: true,
  limitMs: 15_000,
  async run (context, signal) {
    // Told apart by what each needs: SIP rights, room rights, and no rights at all.
    const [sip, rooms, clock] = await Promise.all([
      sipFinding(context),
      roomsFinding(context),
      clockFinding(context, signal)
    ])
    if (sip.severity !== 'failed' || sip.code === 'livekit-key-without-sip') return [sip, ...rooms, ...clock]
    // A LiveKit that takes nothing from us fails all alike; a clock that is wrong may be why, and knows by how much.
    const skew = clock.filter(({ severity }) => severity === 'failed')
    return sip.code === 'clock-skew' && skew.length > 0 ? skew : [sip, ...skew]
  }
}

async function sipFinding (context: DoctorContext): Promise<Finding> {
  try {
    const { trunks, rules, outbound } = await livekitState(context)
    return {
      code: 'livekit-api-ok',
      severity: 'ok',
      seen: `LiveKit at ${hostOf(context)} knows the key and lets it administer SIP: ${
        count(trunks.length, 'inbound trunk')
      }, ${count(rules.length, 'dispatch rule')}, ${count(outbound.length, 'outbound trunk')}`
    }
  } catch (error) {
    if (error instanceof ProvisionError) return error.finding
    throw error
  }
}

async function roomsFinding (context: DoctorContext): Promise<Finding[]> {
  try {
    await context.rooms.ping()
    return []
  } catch (error) {
    if (error instanceof LiveKitError && error.failure === 'refused-key') {
      return [{
        code: 'livekit-key-without-rooms',
        severity: 'failed',
        seen: 'LiveKit knows the API key but does not let it list rooms',
        todo: 'Make an API key of this project that may create, list and administer rooms and put it into ' +
          'LIVEKIT_API_KEY and LIVEKIT_API_SECRET'
      }]
    }
    return [livekitFinding(error, context.settings.LIVEKIT_URL)]
  }
}

/**
 * LiveKit takes no token that begins more than a minute in its future (leeway of go-jose), so this machine's clock may
 * be ahead by less than that, milliseconds.
 */
const AHEAD_FAILED_MS = 60_000
/** Tokens live for 10 minutes, and LiveKit takes them for one more: a clock may be behind by that, milliseconds. */
const BEHIND_FAILED_MS = 11 * 60_000
/** A webhook is refused here when it begins more than 10 s in this machine's future, milliseconds. */
const WEBHOOK_TOLERANCE_MS = 10_000
/** Being ahead by half of what LiveKit takes is worth a warning, milliseconds. */
const AHEAD_WARNING_MS = AHEAD_FAILED_MS / 2
const CLOCK_TIMEOUT_MS = 5000

/**
 * Compares this machine's clock with the Date that LiveKit's HTTP server sends, which is exact to a second. Needs no
 * rights.
 */
async function clockFinding ({ settings, clock }: DoctorContext, signal: AbortSignal): Promise<Finding[]> {
  const unknown = (
    seen: string
  ): Finding[] => [{
    code: 'clock-unknown',
    severity: 'skipped',
    seen: `The clock was not compared with LiveKit's: ${seen}`
  }]
  let date: number
  let asked: number
  let heard: number
  try {
    const url = new URL(settings.LIVEKIT_URL.replace(/^ws/, 'http'))
    asked = clock.now()
    const reply = await fetch(url.origin, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(CLOCK_TIMEOUT_MS)])
    })
    heard = clock.now()
    await reply.body?.cancel()
    date = Date.parse(reply.headers.get('date') ?? '')
  } catch {
    return unknown('it did not answer')
  }
  if (Number.isNaN(date)) return unknown('its answer has no Date')
  // Any moment of the second that Date names may be LiveKit's, and any of those of the request.
  const ahead = Math.max(0, asked - (date + 1000))
  const behind = Math.max(0, date - heard)
  return [clockFindingOf(ahead, behind)]
}

/** What it means that this machine's clock is ahead of LiveKit's, or behind it; milliseconds. Pure. */
export function clockFindingOf (aheadMs: number, behindMs: number): Finding {
  const todo = { todo: 'Set the clock by NTP, on whichever of the two is wrong', command: 'timedatectl' } as const
  const seconds = (ms: number) => `${Math.round(ms / 1000)} s`
  if (aheadMs >= AHEAD_WARNING_MS) {
    return {
      code: 'clock-skew',
      severity: aheadMs >= AHEAD_FAILED_MS ? 'failed' : 'warning',
      seen: `This machine's clock is ${seconds(aheadMs)} ahead of LiveKit's, which refuses tokens from more than a ` +
        'minute in its future',
      ...todo
    }
  }
  if (behindMs >= WEBHOOK_TOLERANCE_MS) {
    const refusesAll = behindMs >= BEHIND_FAILED_MS
    return {
      code: 'clock-skew',
      severity: refusesAll ? 'failed' : 'warning',
      seen: `This machine's clock is ${seconds(behindMs)} behind LiveKit's. ${
        refusesAll
          ? 'The tokens of a bridge with this clock have expired when LiveKit gets them'
          : "LiveKit takes the tokens of a bridge with this clock, but that bridge refuses LiveKit's webhooks: they " +
            'seem to come from its future'
      }`,
      ...todo
    }
  }
  return { code: 'clock-ok', severity: 'ok', seen: "This machine's clock and LiveKit's agree" }
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`

export const hostOf = ({ settings }: DoctorContext): string => new URL(settings.LIVEKIT_URL).host
