import type { Transfer } from './call-api.ts'
import type { Tones } from './tone.ts'

/*
 * What the caller hears of a transfer in tones, Hz. An agent with a voice says it in words: see news.ts.
 */

export const DONE = [523, 659, 784]
export const REFUSED = [784, 392]
export const FAILED = [300, 300]

const OF_REASON: Record<string, number[]> = {
  busy: [425, 425, 425],
  declined: [784, 523],
  'no-answer': [425],
  'person-hung-up': [784, 523],
  cancelled: [523],
  refused: [950, 1400, 1800]
}

export function tonesOf ({ mode, state, result, reason = '' }: Transfer): number[] {
  if (state !== 'finished') return []
  if (result === 'bridged') return mode === 'add' ? DONE : []
  return result === 'returned' ? OF_REASON[reason] ?? FAILED : []
}

export function sound (tones: Tones, frequencies: number[]): void {
  for (const hz of frequencies) tones.add(hz, 200)
}
