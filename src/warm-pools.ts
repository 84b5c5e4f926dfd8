import { poolIdOf } from './calls/warm/pool-id.ts'
import type { WarmPool } from './calls/warm/warm-room.ts'
import type { Settings } from './config.ts'
import type { PlacedPool, RoutesTable } from './routing/routes.ts'
import { applicationDefaults } from './routing/settings-table.ts'
import { settingsApplication } from './rules.ts'

/**
 * The pools that settings and routes ask for. Where several ask for the same agent and metadata, the largest numbers
 * count. The application's own agent and metadata, which only its calls tell, are not known here.
 */
export function poolsOf (settings: Settings, table: RoutesTable): WarmPool[] {
  const app = applicationDefaults(settingsApplication(settings), table)
  const pools = new Map<string, WarmPool>()
  for (const { agent = app.agent, metadata = app.metadata, min, max } of [...ofSettings(settings), ...table.warm]) {
    const id = poolIdOf(agent, metadata)
    const same = pools.get(id)
    pools.set(id, {
      id,
      agent,
      metadata,
      min: Math.max(min, same?.min ?? 0),
      max: Math.max(max, same?.max ?? 0)
    })
  }
  return [...pools.values()]
}

/** The pool of the default agent. */
function ofSettings ({ WARM_AGENTS: min, WARM_AGENTS_MAX: max = min }: Settings): PlacedPool[] {
  return min > 0 ? [{ min, max }] : []
}
