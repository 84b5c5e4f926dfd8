import type { Direction } from '../calls/fold/vocabulary.ts'
import type { ApplicationConfig, Route, Way } from '../calls/fold/way.ts'
import type { Policy } from './policy/policy.ts'

/** What the conditions of routes ask about a call. */
export interface RouteQuery {
  callSid: string
  /** Milliseconds since the epoch. */
  at: number
  to: string
  /** `anonymous` when the caller withholds the number. */
  from: string
  /** Name of the carrier that delivered the call. */
  carrier?: string
  /** sid of the Jambonz application. */
  application?: string
  direction: Direction
  /** Headers of the INVITE by lower-case name. Absent: not known, so no route behind a header condition is certain. */
  headers?: ReadonlyMap<string, string>
}

/** Why a route did not match: its first condition that does not hold. */
export interface Mismatch {
  route: string
  /** Line of the route in the file. */
  line?: number
  /** In plain words, such as `to: +4953118054630 is none of "+49531180*"`. */
  reason: string
}

/** How a route was chosen, for people. */
export interface Explanation {
  route: Route
  /** Line of the chosen route in the file. */
  line?: number
  /** The routes before it, in order. */
  before: Mismatch[]
}

/** A way of the file with its place, for checks that ask others (carriers, credentials, the policy). */
export interface PlacedWay {
  way: Way
  route: string
  line: number
  column: number
}

/** Rooms with waiting agents that a way of the file asks for. */
export interface PlacedPool {
  /** Absent: the default agent. */
  agent?: string
  /** Passed to the agent verbatim. Absent: what the settings say. */
  metadata?: string
  /** Rooms that are always kept ready. */
  min: number
  /** Most rooms that are kept ready when many calls come. */
  max: number
}

/** The routes in force. Pure: the same query gives the same route. */
export interface RoutesTable {
  /** Lower-case names of the headers that conditions ask about. */
  headerNames: readonly string[]
  /** Name of every route, in order. */
  names: readonly string[]
  /** The agent of applications that name none. Absent: the settings'. */
  agent: string | undefined
  /** What may be dialled; absent where the file says nothing, or there is no file. */
  policy: Policy | undefined
  /** Numbers that are ours, as the file writes them. */
  numbers: readonly string[]
  /** ISO 3166 code of the country whose national numbers are understood. */
  country: string | undefined
  ways: readonly PlacedWay[]
  /** Rooms with waiting agents, as the ways ask for them. Several may mean the same agent and metadata. */
  warm: readonly PlacedPool[]
  /**
   * How long a room of ours may ring at most, seconds.
   * @param dialTimeoutS how long ways ring that say nothing, seconds
   */
  longestRoomRingS(dialTimeoutS: number): number
  /** Finds the route of a call. Fills what it does not say from the application, then from the settings. */
  choose(query: RouteQuery, app: ApplicationConfig): Route
  explain(query: RouteQuery, app: ApplicationConfig): Explanation
}

/** Something that is wrong in a routes file, or that its author should know. */
export interface RoutesProblem {
  severity: 'error' | 'warning'
  /** From 1. 0, as the column: the problem is the file as a whole. */
  line: number
  column: number
  /** Where in the document, such as `routes[2].when.hours`. */
  path: string
  /** What is wrong and what to write instead, in one or two sentences. */
  message: string
  /** Only of problems that a check of the doctor reports in its own words. */
  code?: 'variable-missing'
}

/** A route as its file writes it. */
export type WrittenRoute = { name: string } & Record<string, unknown>

/** The table in force, and how its file was read. Implemented by {@link file://./file/source.ts}. */
export interface RoutesSource {
  readonly table: RoutesTable
  /** When the table in force was read, milliseconds since the epoch. */
  readonly readAt: number
  /** Path of the file; undefined without one. */
  readonly file: string | undefined
  /** The routes of the table in force as their file writes them; undefined without a file. */
  readonly written?: readonly WrittenRoute[] | undefined
  /** What the last reading found. With an error among them the table in force is an older one. */
  readonly problems: readonly RoutesProblem[]
}
