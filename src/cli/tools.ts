import { readEnvironment } from '../config.ts'

/**
 * What the command line does besides running the service. Each has flags of its own and explains them with `--help`.
 */
export const TOOLS: Record<string, (args: string[]) => Promise<number>> = {
  async provision (args) {
    const [{ provision }, { terminalAsk }] = await Promise.all([import('./provision.ts'), import('./ask.ts')])
    const stop = new AbortController()
    for (const name of ENDINGS) process.once(name, () => stop.abort())
    return provision(args, { ...lines(), ask: terminalAsk(stop.signal), signal: stop.signal })
  },
  async doctor (args) {
    const [{ doctor }, { terminalAsk }] = await Promise.all([import('./doctor.ts'), import('./ask.ts')])
    const stop = new AbortController()
    for (const name of ENDINGS) process.once(name, () => stop.abort())
    return doctor(args, { ...lines(), ask: terminalAsk(stop.signal), screen: process.stderr, signal: stop.signal })
  },
  async probe (args) {
    const { probe } = await import('./probe.ts')
    return probe(args, { ...lines(), screen: process.stdout })
  },
  async calls (args) {
    const [{ calls }, { ladderOptionsFor }] = await Promise.all([import('./calls.ts'), import('../ladder/ladder.ts')])
    const io = lines()
    return calls(args, { ...io, ladder: ladderOptionsFor(process.stdout, io.env) })
  },
  async explain (args) {
    const { explain } = await import('./explain.ts')
    return explain(args, {
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      env: readEnvironment()
    })
  }
}

/** Ctrl-C, and the end of a container or job. Heeded once: the second one ends the process. */
const ENDINGS = ['SIGINT', 'SIGTERM'] as const

/** Settings, and where lines go. */
const lines = () => ({
  env: readEnvironment(),
  out: (line: string) => {
    console.log(line)
  },
  err: (line: string) => {
    console.error(line)
  }
})
