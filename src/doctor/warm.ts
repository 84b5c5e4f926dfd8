import type { WarmPoolView } from '../calls/warm/pools.ts'
import type { WarmPool } from '../calls/warm/warm-room.ts'
import type { Finding } from '../finding.ts'
import { livekitFinding } from '../livekit/finding.ts'
import { roomFormatOf } from '../room-format.ts'
import { poolsOf } from '../warm-pools.ts'
import type { Check, DoctorContext } from './check.ts'
import { WAITS_FOR_LIVEKIT_API } from './waits-for.ts'
import { noPools } from './warm-agents.ts'

/** Rooms with waiting agents: the running service knows its pools; the command line asks LiveKit for their rooms. */
export const warmCheck: Check = {
  name: 'warm',
  title: 'Are agents waiting for calls?',
  readOnly: true,
  limitMs: 10_000,
  waitsFor: [WAITS_FOR_LIVEKIT_API],
  async run (context) {
    const pools = poolsOf(context.settings, context.routes.table)
    if (pools.length === 0) return [noPools()]
    if (context.pools) return poolFindings(await context.pools())
    return [await roomsFinding(pools, context)]
  }
}

/** How full each pool is, and what keeps it from being full. Pure. */
export function poolFindings (views: readonly WarmPoolView[]): Finding[] {
  return views.map(view => {
    const seen = `${nameOf(view, views)}: ${view.ready} of ${view.size} rooms have a waiting agent` +
      `${view.making > 0 ? `, ${view.making} more are being made` : ''} (min ${view.min}, max ${view.max})`
    if (view.trouble !== undefined) {
      return { code: 'warm-pool-short', severity: 'warning', seen: `${seen}. ${WHY[view.trouble]}`, ...TODO }
    }
    if (view.ready >= view.size) return { code: 'warm-pool-full', severity: 'ok', seen }
    return { code: 'warm-pool-filling', severity: 'ok', seen: `${seen}. The pool is being filled` }
  })
}

/** Two pools of one agent differ in its metadata, which may be secret. */
function nameOf ({ agent, id }: WarmPool, pools: readonly WarmPool[]): string {
  return pools.filter(other => other.agent === agent).length > 1 ? `Agent ${agent} (pool ${id})` : `Agent ${agent}`
}

const WHY: Record<NonNullable<WarmPoolView['trouble']>, string> = {
  livekit: 'LiveKit does not make rooms',
  'no-agent': 'Rooms are made, and no agent comes',
  'agent-leaves': 'Agents join the rooms and leave them soon, though they should wait for a call',
  store: 'The store of the rooms cannot be used'
}

const TODO = {
  todo: 'Calls that find no waiting agent start as they do without a pool, and callers wait for their agent. The ' +
    'checks livekit-api, agent and redis say what is wrong'
}

/** Which pool a room is of only the service knows. */
async function roomsFinding (pools: readonly WarmPool[], { rooms, settings }: DoctorContext): Promise<Finding> {
  const format = roomFormatOf(settings)
  const wanted = pools.reduce((sum, { min }) => sum + min, 0)
  try {
    const waiting = (await rooms.list()).filter(({ name, metadata }) => format.isWarmRoom(name, metadata)).length
    const seen = `LiveKit has ${waiting} of at least ${wanted} rooms that wait for calls`
    if (waiting >= wanted) return { code: 'warm-pool-full', severity: 'ok', seen }
    return {
      code: 'warm-pool-short',
      severity: 'warning',
      seen,
      todo: 'See that the bridge runs with these settings. GET /doctor of a running bridge shows each pool, and what ' +
        'keeps it from being full'
    }
  } catch (error) {
    return livekitFinding(error, settings.LIVEKIT_URL)
  }
}
