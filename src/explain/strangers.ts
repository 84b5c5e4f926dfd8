import type { Finding } from '../finding.ts'
import type { Naming } from './parties.ts'

/*
 * Anything may dial LiveKit: Asterisk, FreeSWITCH, a carrier, a phone. The sentences about causes are those of a call
 * that Jambonz passed on; here they lose its name where nothing in the files says that it was Jambonz.
 */

/** From the most special phrase to the bare name. */
const NAMES: ReadonlyArray<[phrase: RegExp, instead: string]> = [
  [/\. If the caller leg failed with 488, the carrier offers none of them to Jambonz/, ''],
  [/, without Jambonz/, ''],
  [/, or Jambonz's own\b(?! \w)/, ''],
  [/ Jambonz's own CANCEL/, " the CANCEL of the caller's side"],
  [/, or Jambonz's SBC before it,/, ', or a proxy before it,'],
  [/Jambonz's (?:media servers \(rtpengine\)|SBC|side)/g, "the caller's side"],
  [/Jambonz's SIP trace/g, 'a SIP trace'],
  [/(^|[.:] )Jambonz\b(?!')/g, "$1The caller's side"],
  [/\bJambonz\b(?!')/g, "the caller's side"]
]

/** A sentence about a call to LiveKit, without Jambonz where nothing names it. */
export const inNamesOf = (naming: Naming) => (text: string): string =>
  naming === 'named' ? text : NAMES.reduce((text, [phrase, instead]) => text.replace(phrase, instead), text)

/** The same of a finding. */
export const findingInNamesOf = (naming: Naming) => (finding: Finding): Finding => ({
  ...finding,
  seen: inNamesOf(naming)(finding.seen),
  ...(finding.todo !== undefined && { todo: inNamesOf(naming)(finding.todo) })
})
