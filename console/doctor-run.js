/*
 * A run of the doctor's checks, as far as it has come.
 */

/** @import { Check, DoctorReport, Severity } from './view-types.js' */

/**
 * @typedef {{ name: string, title: string, result?: Check }} Line a check, with its result once it has ended
 * @typedef {object} Run
 * @property {Line[]} lines in the order in which the checks are listed
 * @property {string} [at] when the checks began, ISO 8601
 * @property {Record<Severity, number>} [total] once all have ended
 */

/** @type {Run} */
export const NOTHING_RUN = { lines: [] }

/** The order in which statuses are told: what has to be looked at first. @type {readonly Severity[]} */
export const SEVERITIES = ['failed', 'warning', 'ok', 'skipped']

/**
 * The run after an event of its stream. Others change nothing.
 * @param {Run} run
 * @param {string} event
 * @param {any} data
 * @returns {Run}
 */
export function afterEvent (run, event, data) {
  if (event === 'begin') return { at: data.at, lines: data.checks }
  if (event === 'check') return { ...run, lines: withResult(run.lines, data) }
  return event === 'report' ? runOf(data) : run
}

/** @param {Line[]} lines @param {Check} result */
function withResult (lines, result) {
  const { name, title } = result
  const line = { name, title, result }
  const isListed = lines.some(line => line.name === name)
  return isListed ? lines.map(before => before.name === name ? line : before) : [...lines, line]
}

/** A run that is over. @param {DoctorReport} report @returns {Run} */
export const runOf = ({ at, summary, checks }) =>
  ({ at, total: summary, lines: checks.map(result => ({ name: result.name, title: result.title, result })) })

/** How many checks ended in which way: `2 failed, 1 warning, 12 ok`. @param {Record<Severity, number>} total */
export const totalInWords = total =>
  SEVERITIES.filter(severity => total[severity] > 0).map(severity => `${total[severity]} ${severity}`).join(', ')

/**
 * The run as a text, to be sent to somebody.
 * @param {Run} run
 */
export function runAsText ({ at = '', lines, total }) {
  const checks = lines.flatMap(({ title, result }) => result
    ? [`${result.status.toUpperCase()} ${title}`, ...result.findings.flatMap(findingLines)]
    : [])
  return [`Doctor ${at}`, ...checks, ...(total ? [totalInWords(total)] : [])].join('\n')
}

/** @param {Check['findings'][number]} finding */
const findingLines = ({ code, seen, todo, command }) => [
  `  ${seen} (${code})`,
  ...(todo === undefined ? [] : [`    do: ${todo}`]),
  ...(command === undefined ? [] : [`    ${command}`])
]
