import { createHash } from 'node:crypto'

export interface WeightedAgent {
  agent: string
  weight: number
}

/**
 * Picks one of several agents by weight. The same seed picks the same agent, in every process and after every restart.
 * @param agents their weights' sum is more than 0
 */
export function pickAgent (agents: readonly WeightedAgent[], seed: string): string {
  const total = agents.reduce((sum, { weight }) => sum + weight, 0)
  // 48 bits are what a number holds without loss.
  let left = createHash('sha256').update(seed).digest().readUIntBE(0, 6) / 2 ** 48 * total
  for (const { agent, weight } of agents) {
    if (left < weight) return agent
    left -= weight
  }
  return agents.findLast(({ weight }) => weight > 0)!.agent
}
