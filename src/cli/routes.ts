import { checkRoutes } from './routes-check.ts'
import { RoutesUsageError } from './routes-input.ts'
import { testRoutes } from './routes-test.ts'

/** Where `bridge routes` reads and writes. */
export interface RoutesIo {
  env: Record<string, string | undefined>
  /** Takes a line of the result. */
  out: (line: string) => void
  /** Takes a line about what went wrong. */
  err: (line: string) => void
  stdin: AsyncIterable<Uint8Array>
  /** Width of the text, 100 if it is not known. */
  columns?: number
  now?: () => number
}

export const ROUTES_USAGE = `Usage: bridge routes check [--json] [FILE]
       bridge routes test --to <number> [--from <number>] [--at <time>] [--zone <zone>]
                          [--carrier <name>] [--application <sid>] [--direction <direction>]
                          [--header <name: value>]... [--call-sid <callSid>]
                          [--no-verbs] [--json] [FILE]

check: finds everything that is wrong with a routes file, with line and column.
test:  shows which route a call would take and why, the ways in which it would be connected, and the
       verbs that Jambonz would get. Nobody is called, and no settings are needed.

FILE is the routes file; - is standard input, and the default is ROUTES_FILE.

  --to           the called number
  --from         the caller's number, or anonymous
  --at           when: 23:10 (today), 2026-11-28T23:10 or 2026-11-28T23:10+01:00; the default is now
  --zone         time zone of --at, such as Europe/Berlin; the default is this machine's
  --carrier      name of the carrier that delivers the call
  --application  sid of the Jambonz application
  --direction    inbound or outbound; the default is inbound
  --header       a header of the INVITE, such as 'X-Tenant: acme'; may be repeated
  --call-sid     weighted agents are chosen by it; the default is a random one
  --no-verbs     leave out the verbs
  --json         print the result as JSON

Exit code: 0 the file can be used; 1 it cannot; 2 wrong settings or arguments`

const COMMANDS: Readonly<Record<string, (args: string[], io: RoutesIo) => Promise<number>>> = {
  check: checkRoutes,
  test: testRoutes
}

/** `bridge routes check` and `bridge routes test`. Resolves to the exit code. */
export async function routes (args: string[], io: RoutesIo): Promise<number> {
  const [name = '', ...rest] = args
  if (args.includes('--help') || args.includes('-h')) {
    io.out(ROUTES_USAGE)
    return 0
  }
  try {
    if (!Object.hasOwn(COMMANDS, name)) throw new RoutesUsageError(whichCommand(name))
    return await COMMANDS[name]!(rest, io)
  } catch (error) {
    if (!isUsageError(error)) throw error
    io.err(`${(error as Error).message}\n\n${ROUTES_USAGE}`)
    return 2
  }
}

const whichCommand = (name: string): string =>
  name === '' ? 'What is to be done with the routes: check or test?' : `Unknown command: routes ${name}`

const isUsageError = (error: unknown): boolean =>
  error instanceof RoutesUsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true
