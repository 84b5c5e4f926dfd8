import { createHash } from 'node:crypto'

/** Id of the pool for an agent and its metadata, the same in every process. */
export const poolIdOf = (agent: string, metadata: string): string =>
  createHash('sha256').update(JSON.stringify([agent, metadata])).digest('base64url').slice(0, 16)
