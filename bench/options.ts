import { parseArgs } from 'node:util'
import type { Connections } from './load.ts'

export const PARTS = ['hook', 'warm', 'memory', 'list', 'events', 'routes', 'orders', 'live'] as const
export type Part = typeof PARTS[number]

const USAGE = `Usage: npm run bench -- [options]

  --quick                    some seconds, to see that it works; the figures mean nothing
  --only=hook|warm|memory|list|events|routes|orders|live
  --connections=kept|new     kept: connections are used again, as an ingress does (default)
                             new: one for each hook, as Jambonz does
  --json                     the results as JSON
  --write                    put the results into docs/performance.md`

export interface Options {
  quick: boolean
  parts: readonly Part[]
  connections: Connections
  json: boolean
  write: boolean
  sizes: Sizes
}

/** How much of everything. */
export interface Sizes {
  rounds: number
  /** Calls at random times: so many seconds for each target and round, by round trip. */
  openSeconds: Record<number, number>
  /** The same with waiting agents: a pool with one for each of these calls must be filled before. */
  warmSeconds: number
  /** Calls flat out, for each target and round. */
  closedCalls: number
  warmUpCalls: number
  /** Active calls whose memory and list are measured. */
  activeCalls: number
  activeCallsInRedis: number
  /** Requests for each kind of list. */
  lists: number
}

const FULL: Sizes = {
  rounds: 3,
  openSeconds: { 0: 1.5, 40: 4 },
  warmSeconds: 2,
  closedCalls: 1000,
  warmUpCalls: 500,
  activeCalls: 10_000,
  activeCallsInRedis: 10_000,
  lists: 200
}
const QUICK: Sizes = {
  rounds: 1,
  openSeconds: { 0: 0.5, 40: 1 },
  warmSeconds: 0.5,
  closedCalls: 200,
  warmUpCalls: 100,
  activeCalls: 400,
  activeCallsInRedis: 400,
  lists: 20
}

/** @throws {UsageError} */
export function readOptions (args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      options: {
        quick: { type: 'boolean' },
        only: { type: 'string' },
        connections: { type: 'string', default: 'kept' },
        json: { type: 'boolean' },
        write: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' }
      }
    })
    const { quick = false, only, connections, json = false, write = false, help } = values
    const parts = PARTS.filter(part => only === undefined || part === only)
    if (help || parts.length === 0 || (connections !== 'kept' && connections !== 'new')) throw new UsageError(USAGE)
    if (write && (quick || only !== undefined || connections === 'new')) {
      throw new UsageError('--write is for a whole run with kept connections')
    }
    return { quick, parts, connections, json, write, sizes: quick ? QUICK : FULL }
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${(error as Error).message}\n\n${USAGE}`)
  }
}

export class UsageError extends Error {}
