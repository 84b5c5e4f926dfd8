import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

export interface Machine {
  date: string
  cpu: string
  cores: number
  memoryGiB: number
  system: string
  node: string
  /** Load average of the last minute, before the run. */
  load: number
}

export const describeMachine = (): Machine => ({
  date: new Date().toISOString(),
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  system: `${type()} ${release()}`,
  node: process.version,
  load: Math.round(loadavg()[0]! * 100) / 100
})

/** More than this of the machine used by others while the bench waits is noise, share of all cores. */
export const NOISY = 0.05

/** Looks, while nothing of ours runs, how busy the machine is with other things. */
export interface Noise {
  sample(): Promise<void>
  /** Mean of all samples, share of all cores. */
  mean(): number
}

export function createNoise (): Noise {
  const samples: number[] = []
  return {
    async sample () {
      const before = busyAndAll()
      await new Promise(resolve => setTimeout(resolve, SAMPLE_MS))
      const after = busyAndAll()
      samples.push((after.busy - before.busy) / Math.max(1, after.all - before.all))
    },
    mean: () => samples.length === 0 ? 0 : samples.reduce((sum, share) => sum + share, 0) / samples.length
  }
}

const SAMPLE_MS = 300

function busyAndAll (): { busy: number, all: number } {
  let busy = 0
  let idle = 0
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq
    idle += times.idle
  }
  return { busy, all: busy + idle }
}
