import { accountApi, refused } from '../diagnosis/jambonz-account.ts'
import type { Finding } from '../finding.ts'
import { jambonzApi, type JambonzAccess } from '../jambonz/api.ts'
import type { PlacedWay } from '../routing/routes.ts'
import type { DoctorContext } from './check.ts'
import { withState } from './livekit-state.ts'
import { jambonzRows } from './jambonz-rows.ts'
import { numberFindings } from './routes-livekit.ts'
import { placeOf } from './place-of.ts'

/** Carriers of the routes that are looked at. */
const MOST = 20

type Row = Record<string, unknown>

/** Whether Jambonz knows the carriers of the routes, and can dial over them. */
export async function carrierFindings (
  context: DoctorContext,
  access: JambonzAccess,
  ways: readonly PlacedWay[],
  signal: AbortSignal
): Promise<Finding[]> {
  const got = await accountApi(access, { signal }).get('/VoipCarriers')
  if ('status' in got) return [refused('VoipCarriers', got.status)]
  const known = jambonzRows(got.data)
  const byName = new Map<string, PlacedWay[]>()
  for (const placed of ways) {
    const name = carrierOf(placed.way)
    byName.set(name, [...byName.get(name) ?? [], placed])
  }
  const found = await Promise.all(
    [...byName].slice(0, MOST).map(([name, placed]) => findingsOf(name, placed, { context, access, known, signal }))
  )
  const left = byName.size - MOST
  if (left > 0) {
    found.push([{ code: 'routes-unchecked', severity: 'skipped', seen: `${left} more carriers were not checked` }])
  }
  return found.flat()
}

const carrierOf = (way: PlacedWay['way']): string => 'carrier' in way && way.carrier !== undefined ? way.carrier : ''

interface Asking {
  context: DoctorContext
  access: JambonzAccess
  known: readonly Row[]
  signal: AbortSignal
}

async function findingsOf (name: string, placed: PlacedWay[], asking: Asking): Promise<Finding[]> {
  const carrier = asking.known.find(row => row['name'] === name)
  if (!carrier) return [unknownCarrier(name, placed[0]!, asking.known)]
  const gateways = await gatewaysOf(String(carrier['voip_carrier_sid']), asking)
  // An older API may not list them. Then nothing is known of them.
  if (!gateways) return []
  const outbound = gateways.filter(({ outbound }) => outbound === true || outbound === 1)
  if (outbound.length === 0) {
    return [{
      code: 'routes-carrier-without-gateway',
      severity: 'failed',
      seen: `The Jambonz carrier ${name} has no outbound gateway (${placeOf(placed[0]!)}): Jambonz answers 603 for it`,
      todo: "Add a SIP gateway to the carrier in Jambonz's portal, and switch Outbound on"
    }]
  }
  const { context } = asking
  const host = hostOf(context.settings.LIVEKIT_SIP_HOST)
  if (!outbound.some(({ ipv4 }) => typeof ipv4 === 'string' && hostOf(ipv4) === host)) return []
  return await withState(context, state => numberFindings({ carrier, ways: placed }, state))
}

const hostOf = (host: string): string => host.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase()

/** feature-server looks the name up, and dials over any carrier when there is none (lib/tasks/dial.js). */
function unknownCarrier (name: string, placed: PlacedWay, known: readonly Row[]): Finding {
  const meant = known.map(row => String(row['name'])).find(other => other.toLowerCase() === name.toLowerCase())
  return {
    code: 'routes-carrier-unknown',
    severity: 'failed',
    seen: `The Jambonz account has no carrier ${name} (${placeOf(placed)}): Jambonz ignores the name, and dials over ` +
      'another carrier',
    todo: meant === undefined
      ? "Write the carrier's name as Jambonz's portal shows it, or add the carrier there"
      : `Write it as Jambonz does: ${meant}`
  }
}

const TIMEOUT_MS = 8000

/** The SIP gateways of a carrier (jambonz-api-server lib/routes/api/sip-gateways.js). Undefined: not told. */
async function gatewaysOf (sid: string, { access, signal }: Asking): Promise<Row[] | undefined> {
  const api = jambonzApi(access, { timeoutMs: TIMEOUT_MS, signal })
  try {
    const { ok, text } = await api.ask('GET', `/SipGateways?voip_carrier_sid=${encodeURIComponent(sid)}`)
    return ok ? jambonzRows(JSON.parse(text)) : undefined
  } catch {
    return undefined
  }
}
