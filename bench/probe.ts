import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/*
 * Loaded into every measured process before its own code (`--import`): tells the bench what CPU time and memory the
 * process took, when asked, and ends it when the bench is gone. Asked nothing it does nothing.
 */

export interface Usage {
  /** User and system time of the process so far, milliseconds. */
  cpuMs: number
  /** After a garbage collection where one was asked for, bytes. */
  heapUsed: number
  rss: number
}

if (process.send) {
  process.on('message', question => {
    if (question !== 'usage' && question !== 'usage after gc') return
    if (question === 'usage after gc') collectGarbage()
    const { user, system } = process.cpuUsage()
    const { heapUsed, rss } = process.memoryUsage()
    process.send!({ cpuMs: (user + system) / 1000, heapUsed, rss } satisfies Usage)
  })
  process.on('disconnect', () => process.exit())
  process.channel?.unref()
}

/** Twice: what is kept only by weak references and finalizers goes the second time. */
function collectGarbage () {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  gc()
  gc()
}
