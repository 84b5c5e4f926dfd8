import { readEnvironment } from '../config.ts'

/** The commands besides running the service. Each has its own flags and explains them with `--help`. */
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
    const stop = new AbortController()
    if (args.some(arg => FOLLOW.includes(arg))) for (const name of ENDINGS) process.once(name, () => stop.abort())
    return calls(args, {
      ...io,
      ladder: ladderOptionsFor(process.stdout, io.env),
      signal: stop.signal,
      ...columnsOf(process.stdout, io.env)
    })
  },
  async call (args) {
    const [{ call }, { ladderOptionsFor }] = await Promise.all([import('./call.ts'), import('../ladder/ladder.ts')])
    const io = lines()
    const stop = new AbortController()
    if (args.includes('--wait')) for (const name of ENDINGS) process.once(name, () => stop.abort())
    return call(args, {
      ...io,
      write: text => {
        process.stdout.write(text)
      },
      ladder: ladderOptionsFor(process.stdout, io.env),
      signal: stop.signal,
      ...columnsOf(process.stdout, io.env)
    })
  },
  async transfer (args) {
    const { transfer } = await import('./transfer.ts')
    const stop = new AbortController()
    if (args.includes('--wait')) for (const name of ENDINGS) process.once(name, () => stop.abort())
    return transfer(args, { ...lines(), signal: stop.signal })
  },
  async routes (args) {
    const { routes } = await import('./routes.ts')
    const io = lines()
    return routes(args, { ...io, stdin: process.stdin, ...columnsOf(process.stdout, io.env) })
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

/** Ctrl-C, and the end of a container or job. The first one stops the command in good order, a second one kills it. */
const ENDINGS = ['SIGINT', 'SIGTERM'] as const

const FOLLOW = ['--follow', '-f']

/** The width of the terminal, if there is one or the user names it. */
function columnsOf (stream: { columns?: number }, env: Record<string, string | undefined>): { columns?: number } {
  const columns = stream.columns ?? Number(env['COLUMNS'])
  return columns > 0 ? { columns: Math.max(MIN_COLUMNS, columns) } : {}
}

/** Narrower tables cannot be read: a call_sid alone has 36 characters. */
const MIN_COLUMNS = 80

/** Settings, and where lines are written. */
const lines = () => ({
  env: readEnvironment(),
  out: (line: string) => {
    console.log(line)
  },
  err: (line: string) => {
    console.error(line)
  }
})
