import type { Clock } from '../clock.ts'
import type { Settings } from '../config.ts'
import type { WarmPoolView } from '../calls/warm/pools.ts'
import type { Finding } from '../finding.ts'
import type { FindingCode } from '../finding-codes.ts'
import type { ProvisionClient } from '../provisioning/livekit.ts'
import type { Rooms } from '../livekit/rooms.ts'
import type { RoutesSource } from '../routing/routes.ts'

/** What checks look at the world with. */
export interface DoctorContext {
  settings: Settings
  /** The agent to look for instead of LIVEKIT_AGENT_NAME. */
  agent?: string | undefined
  /** LiveKit's SIP API. */
  sip: ProvisionClient
  rooms: Rooms
  /** The routes in force. */
  routes: RoutesSource
  /** Value of an environment variable that the routes file names; undefined when it is empty or unset. */
  secretOf(name: string): string | undefined
  /** The pools of waiting agents; absent where no service runs. */
  pools?: (() => Promise<WarmPoolView[]>) | undefined
  clock: Clock
}

/** What `--fix` would change. Nothing is changed before somebody agreed to it. */
export interface Fix {
  /** Where it would be changed, as the question names it: `LiveKit project https://…`, `Jambonz application "…"`. */
  where: string
  /** Every change, a line each, shown before anybody is asked. */
  lines: string[]
  /**
   * Makes the changes. None is begun after the signal that `fix` got.
   * @param done receives a line for each change once it is made, so that it is known also when the next one fails
   * @throws {FindingError}
   */
  apply(done: (line: string) => void): Promise<void>
}

/** A check whose failure explains findings of a later one. */
export interface WaitsFor {
  /** Name of the earlier check. */
  check: string
  /** Findings with these codes are no news once that check has failed. */
  explains: readonly FindingCode[]
}

/** One thing that must be right. To add one: write it and put it into the list in checks.ts. */
export interface Check {
  /** Stable and kebab-case, for `--only`. */
  name: string
  /** What is asked, as a question that fits on a line. */
  title: string
  /** Changes nothing anywhere and calls nobody: part of `GET /doctor` too. */
  readOnly: boolean
  /** The check is stopped after this time, milliseconds. */
  limitMs: number
  /** Earlier checks of the list. One cause is reported by the first check that sees it, and by no other. */
  waitsFor?: readonly WaitsFor[]
  /**
   * Looks, and returns what it found: at least one finding. What LiveKit, Jambonz, the network or the settings do
   * becomes a finding, not an error.
   * @param signal aborted when the time is over or the run was interrupted: the check then removes what it made outside
   */
  run(context: DoctorContext, signal: AbortSignal): Promise<Finding[]>
  /**
   * What `--fix` would change so that the check finds nothing wrong. Changes nothing itself.
   * @returns undefined when there is nothing that it can change
   */
  fix?(context: DoctorContext, signal: AbortSignal): Promise<Fix | undefined>
}
