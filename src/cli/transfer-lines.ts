import type { TransferView } from '../calls/transfer-view.ts'

/*
 * How transfers are printed.
 */

/** How far a transfer is, or what became of it: `ringing`, `returned (busy)`. */
export const transferState = ({ state, result, reason }: TransferView): string =>
  result === undefined ? state : `${result} (${reason})`

/**
 * A transfer of one call: who asked, when, for what, and what became of it.
 * @param start of the call, milliseconds since the epoch
 */
export function transferLine (transfer: TransferView, start: number): string {
  const { mode, to, requestedBy, sipStatus, detail, person, at } = transfer
  const time = (iso: string): string => `+${((Date.parse(iso) - start) / 1000).toFixed(3)} s`
  const whom = to === undefined ? '' : ` to ${to}`
  const told = [
    `${mode}${whom}, asked for by ${requestedBy ?? 'the agent'} at ${time(at.requested)}`,
    at.answered && `answered at ${time(at.answered)}`,
    at.joined && `joined at ${time(at.joined)}`
  ].filter(part => part !== undefined)
  const over = at.finished === undefined ? '' : ` at ${time(at.finished)}`
  const why = [sipStatus, detail].filter(part => part !== undefined).join(', ')
  const became = `${transferState(transfer)}${why === '' ? '' : `, ${why}`}${over}`
  return `${told.join(', ')}: ${became}${person ? `. Call of the person: ${person.callSid}` : ''}`
}
