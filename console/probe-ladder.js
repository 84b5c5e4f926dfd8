/*
 * The ladder of a probe, as it grows: drawn as the ladder of a call.
 */

import { LadderPanel } from './ladder.js'
import { pictureOf } from './probe-run.js'
import { html, useMemo, useState } from './ui.js'

/** @import { ProbeRow } from './view-types.js' */

const NONE = new Set()

/** @param {{ rows: ProbeRow[], isRunning: boolean }} props */
export function ProbeLadder ({ rows, isRunning }) {
  const [pointed, setPointed] = useState(/** @type {number | undefined} */ (undefined))
  const picture = useMemo(() => pictureOf(rows, isRunning), [rows, isRunning])
  const marked = useMemo(() => pointed === undefined ? NONE : new Set([pointed]), [pointed])
  return html`<${LadderPanel} picture=${picture} marked=${marked} evidence=${NONE} onPoint=${setPointed} />`
}
