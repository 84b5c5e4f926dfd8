import { parseArgs } from 'node:util'
import { SipClient } from 'livekit-server-sdk'
import { given, SettingsError } from '../config.ts'
import { FindingError, type Finding } from '../finding.ts'
import { readState } from '../provisioning/livekit.ts'
import { readOnce } from '../routing/file/read-once.ts'
import type { ProvisionState } from '../provisioning/livekit-plan.ts'
import { styleFor } from '../terminal.ts'
import { provisionPair } from './provision-outbound.ts'
import { createReport } from './provision-report.ts'
import { deleteOurs, listProject, setUp, type ProvisionFlags, type ProvisionRun } from './provision-run.ts'
import { provisionEnvironment, type ProvisionEnvironment } from './provision-settings.ts'

export interface ProvisionIo {
  env: Record<string, string | undefined>
  /** Takes a line of the result. */
  out: (line: string) => void
  /** Takes a line about what went wrong. */
  err: (line: string) => void
  /** Asks for consent. Without it there is nobody to ask, and without `--yes` nothing is changed. */
  ask?: ((question: string) => Promise<boolean>) | undefined
  /** Interrupts: the request that is under way ends, no other one begins. */
  signal?: AbortSignal
}

export const PROVISION_USAGE =
  `Usage: bridge provision [--outbound] [--plan | --list | --delete | --rotate] [--adopt] [--yes] [--json]

Makes the trunk and dispatch rule in the LiveKit project of LIVEKIT_URL match the settings. With the Jambonz REST
settings it does the same for the Jambonz application. It shows the changes, then asks. A second run changes nothing.

  --outbound make what agents call out with instead: an outbound trunk in LiveKit, and in Jambonz the carrier
             that takes its calls. Both get the same random password, which is never shown
  --plan     only show what would change
  --yes      do not ask
  --list     list all trunks and rules of the project, with what is wrong with each
  --rotate   give the trunk a new password. It is printed, except with --outbound
  --adopt    take over a conflicting trunk or rule, or the bridge's own with another prefix
  --delete   delete the bridge's trunk and rule
  --json     print the result as JSON

Exit code: 0 done or nothing to do; 1 not done, or something is wrong; 2 wrong settings or arguments`

const REQUEST_TIMEOUT_S = 10

/**
 * `bridge provision`: sets LiveKit up, and the Jambonz application where it can.
 * @returns the exit code: 0 done, 1 not done or something is wrong, 2 unusable arguments or settings
 */
export async function provision (args: string[], io: ProvisionIo): Promise<number> {
  let flags: ProvisionFlags
  try {
    flags = flagsOf(args)
  } catch (error) {
    io.err(`${(error as Error).message}\n\n${PROVISION_USAGE}`)
    return 2
  }
  if (flags.help) {
    io.out(PROVISION_USAGE)
    return 0
  }
  let settings: ProvisionEnvironment
  try {
    settings = provisionEnvironment(io.env, { agent: !flags.list && !flags.delete && !flags.outbound })
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    if (flags.json) {
      io.out(
        JSON.stringify(
          {
            findings: error.problems.map((seen): Finding => ({ code: 'settings-unusable', severity: 'failed', seen }))
          },
          null,
          2
        )
      )
    } else io.err(error.message)
    return 2
  }
  return await run(flags, settings, io)
}

async function run (
  flags: ProvisionFlags,
  settings: ProvisionEnvironment,
  { env, ask, signal, ...io }: ProvisionIo
): Promise<number> {
  const { LIVEKIT_URL: url, LIVEKIT_API_KEY: key, LIVEKIT_API_SECRET: secret } = settings
  const report = createReport(url, { json: flags.json === true, style: { ascii: styleFor({}, env).ascii }, ...io })
  const job: ProvisionRun = {
    flags,
    settings,
    report,
    routes: await readOnce(settings.ROUTES_FILE, name => env[name] || undefined),
    // Without failover: a request that is sent twice could make a trunk twice.
    sip: new SipClient(url, key, secret, { requestTimeout: REQUEST_TIMEOUT_S, failover: false }),
    prefixSet: given('LIVEKIT_ROOM_PREFIX', env) !== undefined,
    ask,
    signal
  }
  let good = false
  try {
    const state = await readState(job.sip, url)
    good = await (flags.outbound ? provisionPair : provisionProject)(job, state)
  } catch (error) {
    if (!(error instanceof FindingError)) throw error
    report.find([error.finding])
  }
  report.end()
  return good ? 0 : 1
}

async function provisionProject (job: ProvisionRun, state: ProvisionState): Promise<boolean> {
  return job.flags.list ? listProject(job, state) : await (job.flags.delete ? deleteOurs : setUp)(job, state)
}

function flagsOf (args: string[]): ProvisionFlags {
  const boolean = { type: 'boolean' } as const
  const { values } = parseArgs({
    args,
    options: {
      plan: boolean,
      yes: boolean,
      list: boolean,
      rotate: boolean,
      adopt: boolean,
      delete: boolean,
      outbound: boolean,
      json: boolean,
      help: { type: 'boolean', short: 'h' }
    }
  })
  const alone = (['list', 'delete', 'rotate'] as const).filter(name => values[name])
  if (alone.length > 1) throw new Error(`Not together: ${alone.map(name => `--${name}`).join(', ')}`)
  if (values.plan && values.yes) throw new Error('Not together: --plan, --yes')
  if (values.outbound && values.adopt) throw new Error('Not together: --outbound, --adopt')
  return values
}
