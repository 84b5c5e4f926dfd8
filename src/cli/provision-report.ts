import { changeLines, doneLine, titled, type AnyChange } from '../change-lines.ts'
import type { Finding } from '../finding.ts'
import { findingLines, indented } from '../finding-lines.ts'
import type { Reviewed } from '../provisioning/livekit-review.ts'
import { plain, type TerminalStyle } from '../terminal.ts'

/** Everything that a run says and does: lines while it goes on, or one JSON document at its end. */
export interface ProvisionReport {
  readonly json: boolean
  readonly findings: readonly Finding[]
  say(...lines: string[]): void
  /** The Jambonz API that is looked at. */
  jambonz(baseUrl: string, accountSid: string): void
  /** What would be changed. */
  show(changes: Array<AnyChange>): void
  find(findings: readonly Finding[]): void
  /** A change was made; it is told also when the rest fails. */
  done(change: AnyChange, id: string): void
  /** All changes were made. */
  applied(): void
  /** Lines for `.env`, and why. */
  env(values: Record<string, string>, why: string): void
  /** Every trunk and rule of the project: instead of the rest. */
  list(reviewed: Reviewed[]): void
  end(): void
}

interface Result {
  project: string
  jambonz?: string
  changes: Array<AnyChange>
  done: string[]
  findings: Finding[]
  applied: boolean
  env?: Record<string, string>
}

/** @param project LIVEKIT_URL, which is named first */
export function createReport (
  project: string,
  { json, out, err, style }: {
    json: boolean
    out: (line: string) => void
    err: (line: string) => void
    style?: Partial<TerminalStyle>
  }
): ProvisionReport {
  const result: Result = { project, changes: [], done: [], findings: [], applied: false }
  let document: object | undefined
  const say = (...lines: string[]) => {
    if (!json) { for (const line of lines) out(line) }
  }
  say(`LiveKit project: ${project}`)

  return {
    json,
    findings: result.findings,
    say,
    jambonz (baseUrl, accountSid) {
      result.jambonz = baseUrl
      say(`Jambonz account: ${accountSid} at ${baseUrl}`)
    },
    show (changes) {
      result.changes = changes
      for (const change of changes) say(...changeLines(change))
    },
    find (findings) {
      result.findings.push(...findings)
      if (!json) {
        for (const finding of findings) {
          for (const line of indented(findingLines(finding, style), 2)) {
            ;(finding.severity === 'failed' ? err : out)(line)
          }
        }
      }
    },
    done (change, id) {
      const line = doneLine(change, id)
      result.done.push(line)
      say(line)
    },
    applied () {
      result.applied = true
    },
    env (values, why) {
      result.env = values
      say('', why, '', ...Object.entries(values).map(([name, value]) => `${name}=${value}`))
    },
    list (reviewed) {
      document = { project, objects: reviewed }
      for (const object of reviewed) say('', ...reviewedLines(object, style))
      if (reviewed.length === 0) say('No trunks and no dispatch rules.')
    },
    end () {
      if (json) out(JSON.stringify(document ?? { ...result, changes: result.changes.map(bare) }, null, 2))
    }
  }
}

/** One trunk or rule with what is wrong with it. */
function reviewedLines (
  { kind, id, name, ours, does, findings }: Reviewed,
  style: Partial<TerminalStyle> | undefined
): string[] {
  return [
    `${kind} ${titled(id, name)}${ours ? " (the bridge's)" : ''}: ${plain(does, style)}`,
    ...indented(
      findings.filter(({ severity }) => severity !== 'ok').flatMap(finding => findingLines(finding, style)),
      2
    )
  ]
}

const bare = (change: AnyChange) => ({
  what: 'what' in change ? change.what : 'application',
  do: change.do,
  id: change.id,
  name: change.name,
  fields: change.fields
})
