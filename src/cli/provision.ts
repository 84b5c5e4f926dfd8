import { parseArgs } from 'node:util'
import { SipClient } from 'livekit-server-sdk'
import type { Finding } from '../diagnosis/finding.ts'
import { applicationHooks, planApplication, type ApplicationChange, type ApplicationPlan } from '../jambonz/application.ts'
import { ApplicationError, createApplicationRest, type ApplicationRest } from '../jambonz/application-rest.ts'
import { ProvisionError, readState, untilDone, type ProvisionClient } from '../livekit/provision.ts'
import { generateCredentials, type TrunkCredentials } from '../livekit/provision-credentials.ts'
import { planDeletion, planProvision, type Change, type Plan, type ProvisionState } from '../livekit/provision-plan.ts'
import { reviewProject } from '../livekit/provision-review.ts'
import { isOurs, type ProvisionSettings } from '../livekit/provision-wish.ts'
import { changeLines, doneLine, findingLines, reviewedLines } from './provision-print.ts'
import { provisionEnvironment, SettingsError, type ProvisionEnvironment } from './provision-settings.ts'

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

export const PROVISION_USAGE = `Usage: bridge provision [--plan | --list | --delete | --rotate] [--adopt] [--yes] [--json]

Makes trunk and dispatch rule in the LiveKit project of LIVEKIT_URL match the settings, and with the Jambonz REST
settings the Jambonz application. Shows what would change, then asks. Run again, it changes nothing.

  --plan     show what would change, change nothing
  --yes      do not ask
  --list     show all trunks and rules of the project, with what is wrong with each
  --rotate   give the trunk a new password, and print it
  --adopt    take over a trunk or rule of somebody else that is in the way, or the bridge's own with another prefix
  --delete   delete the bridge's trunk and rule
  --json     the result as JSON

Exit code: 0 done or nothing to do; 1 not done, or something is wrong; 2 settings or arguments are not usable`

interface Flags { plan?: boolean, yes?: boolean, list?: boolean, rotate?: boolean, adopt?: boolean, delete?: boolean, json?: boolean, help?: boolean }

/** Everything that a run says and does; as JSON with `--json`. */
interface Result {
  project: string
  jambonz?: string
  changes: Array<Change | ApplicationChange>
  /** What was changed, also when the rest failed. */
  done: string[]
  findings: Finding[]
  applied: boolean
  /** Lines for `.env`. */
  env?: Record<string, string>
}

const REQUEST_TIMEOUT_S = 10

/**
 * `bridge provision`: sets LiveKit up, and the Jambonz application where it can.
 * @returns the exit code: 0 done, 1 not done or something is wrong, 2 unusable arguments or settings
 */
export async function provision (args: string[], io: ProvisionIo): Promise<number> {
  let flags: Flags
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
    settings = provisionEnvironment(io.env, { agent: !flags.list && !flags.delete })
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    if (flags.json) io.out(JSON.stringify({ findings: error.problems.map(seen => ({ code: 'settings', severity: 'failed', seen })) }, null, 2))
    else io.err(error.message)
    return 2
  }
  return await new Run(flags, settings, io).run()
}

function flagsOf (args: string[]): Flags {
  const boolean = { type: 'boolean' } as const
  const { values } = parseArgs({ args, options: { plan: boolean, yes: boolean, list: boolean, rotate: boolean, adopt: boolean, delete: boolean, json: boolean, help: { type: 'boolean', short: 'h' } } })
  const alone = (['list', 'delete', 'rotate'] as const).filter(name => values[name])
  if (alone.length > 1) throw new Error(`Not together: ${alone.map(name => `--${name}`).join(', ')}`)
  if (values.plan && values.yes) throw new Error('Not together: --plan, --yes')
  return values
}

class Run {
  private readonly flags: Flags
  private readonly settings: ProvisionEnvironment
  private readonly io: ProvisionIo
  private readonly sip: ProvisionClient
  private readonly result: Result

  constructor (flags: Flags, settings: ProvisionEnvironment, io: ProvisionIo) {
    this.flags = flags
    this.settings = settings
    this.io = io
    // Without failover: a request that is sent twice could make a trunk twice.
    this.sip = new SipClient(settings.LIVEKIT_URL, settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET, { requestTimeout: REQUEST_TIMEOUT_S, failover: false })
    this.result = { project: settings.LIVEKIT_URL, changes: [], done: [], findings: [], applied: false }
  }

  async run (): Promise<number> {
    this.say(`LiveKit project: ${this.settings.LIVEKIT_URL}`)
    let code: number
    let failed = false
    try {
      const state = await readState(this.sip)
      code = this.flags.list ? this.list(state) : this.flags.delete ? await this.delete(state) : await this.provision(state)
    } catch (error) {
      if (!(error instanceof ProvisionError) && !(error instanceof ApplicationError)) throw error
      this.find(error.finding)
      code = 1
      failed = true
    }
    if (this.flags.json && (failed || !this.flags.list)) this.io.out(JSON.stringify({ ...this.result, changes: this.result.changes.map(plain) }, null, 2))
    return code
  }

  private list (state: ProvisionState): number {
    const reviewed = reviewProject(state, { ...(this.settings.LIVEKIT_SIP_HOST !== undefined && { sipHost: this.settings.LIVEKIT_SIP_HOST }) })
    if (this.flags.json) this.io.out(JSON.stringify({ project: this.settings.LIVEKIT_URL, objects: reviewed }, null, 2))
    for (const object of reviewed) this.say('', ...reviewedLines(object))
    if (reviewed.length === 0) this.say('No trunks and no dispatch rules.')
    return reviewed.some(({ findings }) => findings.some(({ severity }) => severity === 'failed')) ? 1 : 0
  }

  private async delete (state: ProvisionState): Promise<number> {
    const prefix = this.io.env['LIVEKIT_ROOM_PREFIX']?.trim() ? this.settings.LIVEKIT_ROOM_PREFIX : undefined
    const planned = (state: ProvisionState) => planDeletion(state, prefix, { adopt: this.flags.adopt === true })
    const plan = planned(state)
    this.show(plan.changes)
    for (const conflict of plan.conflicts) this.find(conflict)
    if (plan.conflicts.length > 0) return 1
    if (plan.changes.length === 0) {
      this.say('The bridge has no trunk and no rule here.')
      return 0
    }
    if (this.flags.plan) return 0
    if (!await this.consent(`Delete them in ${this.settings.LIVEKIT_URL}? The bridge's calls then reach no agent.`)) return 1
    await untilDone(this.sip, planned, this.applying())
    this.result.applied = true
    return 0
  }

  private async provision (state: ProvisionState): Promise<number> {
    const wish = this.wish(state)
    const adopt = this.flags.adopt === true
    const plan = planProvision(wish, state, { adopt })
    const jambonz = await this.application()
    const all = [...plan.changes, ...jambonz.plan.changes]
    this.show(all)
    for (const finding of [...plan.conflicts, ...plan.findings, ...jambonz.plan.findings]) this.find(finding)
    if (plan.conflicts.length > 0) {
      this.say('Nothing was changed.')
      return 1
    }
    if (all.length === 0) {
      this.say('Everything is as it should be.')
      this.tell(plan.credentials)
      return this.verdict()
    }
    if (this.flags.plan) {
      this.say('Nothing was changed: --plan.')
      return this.verdict()
    }
    const where = [plan.changes.length > 0 && this.settings.LIVEKIT_URL, jambonz.plan.changes.length > 0 && this.settings.JAMBONZ_REST_API_BASE_URL].filter(Boolean).join(' and ')
    if (!await this.consent(`Make these changes in ${where}?`)) return 1
    if (plan.changes.length > 0) {
      await this.applyLiveKit(wish, plan).catch((error: unknown) => {
        if (jambonz.plan.changes.length > 0) this.say('The Jambonz application was left as it is.')
        throw error
      })
    }
    for (const change of jambonz.plan.changes) {
      if (this.io.signal?.aborted) throw interrupted()
      this.done(change, await jambonz.rest!.apply(change))
    }
    this.result.applied = true
    return this.verdict()
  }

  /** What the trunk and the rule should be; without credentials in the settings new ones, for a trunk that has none. */
  private wish (state: ProvisionState): ProvisionSettings {
    const { LIVEKIT_SIP_USERNAME: username, LIVEKIT_SIP_PASSWORD: password, ...settings } = this.settings
    const rotate = this.flags.rotate === true
    const credentials = username !== undefined && password !== undefined && !rotate
      ? { username, password }
      : generateCredentials(username ?? (state.trunks.find(isOurs)?.authUsername || undefined))
    return {
      livekitSipUsername: credentials.username,
      livekitSipPassword: credentials.password,
      keepCredentials: username === undefined && !rotate,
      livekitRoomPrefix: settings.LIVEKIT_ROOM_PREFIX,
      livekitAgentName: settings.LIVEKIT_AGENT_NAME,
      livekitSipSrtp: settings.LIVEKIT_SIP_SRTP,
      dialTimeoutS: settings.DIAL_TIMEOUT_S
    }
  }

  private async applyLiveKit (wish: ProvisionSettings, shown: Plan): Promise<void> {
    const adopt = this.flags.adopt === true
    const consented = new Set(shown.changes.map(({ id }) => id))
    const planned = (state: ProvisionState) => {
      const plan = planProvision(wish, state, { adopt })
      // What was not shown is not taken over.
      return plan.changes.some(({ id, why }) => why === 'taken over' && !consented.has(id)) ? planProvision(wish, state) : plan
    }
    let last: Plan
    try {
      last = await untilDone(this.sip, planned, this.applying())
    } catch (error) {
      // The trunk may have the new pair already: without these lines nobody could dial it.
      const fresh = shown.changes.some(({ what, fields }) => what === 'trunk' && fields.some(({ name }) => name === 'auth_password'))
      if (fresh && !wish.keepCredentials) this.tell(shown.credentials, 'If the trunk was changed, it has these; .env needs them then:')
      else if (fresh) this.say('If the trunk was made, the next run says what to put into .env.')
      throw error
    }
    this.tell(last.credentials)
  }

  private applying (): { onChange: (change: Change, id: string) => void, signal?: AbortSignal } {
    return { onChange: (change, id) => this.done(change, id), ...(this.io.signal && { signal: this.io.signal }) }
  }

  /** The Jambonz side, as far as the settings reach; a Jambonz that does not answer keeps nobody from LiveKit. */
  private async application (): Promise<{ plan: ApplicationPlan, rest?: ApplicationRest }> {
    const { PUBLIC_URL: publicUrl, JAMBONZ_REST_API_BASE_URL: baseUrl, JAMBONZ_ACCOUNT_SID: accountSid, JAMBONZ_API_KEY: apiKey, HTTP_USERNAME: username, HTTP_PASSWORD: password } = this.settings
    const skipped = (seen: string, todo: string) => ({ plan: { changes: [], findings: [{ code: 'application-skipped', severity: 'skipped' as const, seen, todo }] } })
    if (publicUrl === undefined) return skipped('The Jambonz application is not looked at: PUBLIC_URL is not set', 'Set PUBLIC_URL to the address at which Jambonz reaches this bridge')
    if (baseUrl === undefined || accountSid === undefined || apiKey === undefined) {
      const { callHook, statusHook } = applicationHooks(publicUrl)
      return skipped('The Jambonz application is not looked at: the Jambonz REST settings are not set', `Set JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY, or make it in the portal: call hook ${callHook}, status hook ${statusHook}, both POST`)
    }
    this.result.jambonz = baseUrl
    this.say(`Jambonz account: ${accountSid} at ${baseUrl}`)
    const rest = createApplicationRest({ baseUrl, apiKey })
    try {
      const basic = username !== undefined && password !== undefined ? { basic: { username, password } } : {}
      return { plan: planApplication({ publicUrl, accountSid, ...basic }, await rest.read()), rest }
    } catch (error) {
      if (!(error instanceof ApplicationError)) throw error
      return { plan: { changes: [], findings: [error.finding] } }
    }
  }

  private async consent (question: string): Promise<boolean> {
    if (this.io.signal?.aborted) throw interrupted()
    if (this.flags.yes) return true
    if (!this.io.ask || this.flags.json) {
      this.find({ code: 'consent-needed', severity: 'failed', seen: 'Nothing was changed: nobody can be asked here', todo: 'Look at the changes, then run it with --yes' })
      return false
    }
    if (await this.io.ask(question)) return true
    this.say('Nothing was changed.')
    return false
  }

  /** Prints the lines for `.env`, if the settings say anything else. */
  private tell ({ username, password }: TrunkCredentials, why = 'Put these lines into .env and restart the bridge: until then LiveKit refuses its calls. They are for this trunk alone; use them nowhere else:'): void {
    const { LIVEKIT_SIP_USERNAME, LIVEKIT_SIP_PASSWORD } = this.settings
    if (username === LIVEKIT_SIP_USERNAME && password === LIVEKIT_SIP_PASSWORD) return
    this.result.env = { LIVEKIT_SIP_USERNAME: username, LIVEKIT_SIP_PASSWORD: password }
    this.say('', why, '', ...Object.entries(this.result.env).map(([name, value]) => `${name}=${value}`))
  }

  private done (change: Change | ApplicationChange, id: string): void {
    const line = doneLine(change, id)
    this.result.done.push(line)
    this.say(line)
  }

  private show (changes: Array<Change | ApplicationChange>): void {
    this.result.changes = changes
    for (const change of changes) this.say(...changeLines(change))
  }

  private find (finding: Finding): void {
    this.result.findings.push(finding)
    if (!this.flags.json) for (const line of findingLines(finding)) (finding.severity === 'failed' ? this.io.err : this.io.out)(line)
  }

  private say (...lines: string[]): void {
    if (!this.flags.json) for (const line of lines) this.io.out(line)
  }

  private verdict (): number {
    return this.result.findings.some(({ severity }) => severity === 'failed') ? 1 : 0
  }
}

const plain = (change: Change | ApplicationChange) => ({ what: 'what' in change ? change.what : 'application', do: change.do, id: change.id, name: change.name, fields: change.fields })

function interrupted (): ProvisionError {
  return new ProvisionError('interrupted', { code: 'interrupted', seen: 'Interrupted before everything was made', todo: 'Run it again: it goes on where it stopped', command: 'bridge provision' })
}
