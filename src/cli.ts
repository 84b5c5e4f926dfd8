#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { TOOLS } from './cli/tools.ts'
import { loadSettings, readEnvironment, SettingsError } from './config.ts'
import { packageVersion } from './version.ts'

const USAGE = `Usage: bridge <command>

  serve           run the service with the settings from the environment and .env (default)
  demo [--once]   make eight calls between simulated Jambonz and LiveKit, on this machine only
  provision       create or update LiveKit's trunk and dispatch rule; shows the changes, then asks
  doctor          check everything that a call needs; --fix repairs what belongs to the bridge
  probe           call LiveKit by SIP without Jambonz, and report what happened
  calls [SID]     list the calls of a running bridge, or explain one of them
  call NUMBER     have a running bridge call somebody; --wait draws the call
  transfer SID …  have a running bridge hand a caller to a person; --wait follows it
  routes check    find what is wrong with a routes file
  routes test     show what would become of a call
  explain FILE…   explain calls that the bridge never saw, from captures and logs

bridge <command> --help explains the options of provision, doctor, probe, calls, call, transfer, routes and
explain.

  --version       print the version
  --help          print this help`

/** The command line. Resolves to the exit code, or to undefined while a service runs. */
async function main (args: string[]): Promise<number | undefined> {
  const tool = Object.hasOwn(TOOLS, args[0] ?? '') ? TOOLS[args[0]!] : undefined
  if (tool) return tool(args.slice(1))
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
      once: { type: 'boolean' }
    }
  })
  const [command = 'serve', ...rest] = positionals
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  if (values.version) {
    console.log(packageVersion())
    return 0
  }
  if (rest.length > 0) throw new UsageError(`Too many arguments: ${rest.join(' ')}`)
  switch (command) {
    case 'serve': {
      const { serve } = await import('./server.ts')
      const env = readEnvironment()
      await serve(loadSettings(env), env)
      return undefined
    }
    case 'demo': {
      const [{ runDemo }, { createLogger, startBridge }] = await Promise.all([
        import('./sandbox/demo.ts'),
        import('./server.ts')
      ])
      return runDemo({
        out: process.stdout,
        once: values.once === true || !process.stdin.isTTY,
        startBridge: async env => startBridge(loadSettings(env), createLogger('silent'))
      })
    }
    default:
      throw new UsageError(`Unknown command: ${command}`)
  }
}

class UsageError extends Error {}

/** Errors at the start of the service whose message says everything. */
const EXPLAINED: ReadonlySet<string> = new Set(['RedisStartError', 'RoutesFileError'])

try {
  const code = await main(process.argv.slice(2))
  if (code !== undefined) process.exitCode = code
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof SettingsError || EXPLAINED.has((error as Error).name)) console.error(message)
  else if (error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS')) console.error(`${message}\n\n${USAGE}`)
  else if (code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL') {
    console.error(`Cannot listen: ${message}. Set PORT and HOST to an address that is free here.`)
  } else console.error(error)
  process.exit(1)
}
