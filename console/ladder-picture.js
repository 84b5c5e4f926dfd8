/*
 * The drawing of a ladder.
 */

import { lengthText } from './ladder-marks.js'
import { classes, html } from './ui.js'

/** @import { Label, Layout, PauseItem, StepItem, TitleItem } from './ladder-layout.js' */
/** @import { Outcome } from './ladder-marks.js' */

/**
 * @param {{
 *   layout: Layout,
 *   unit: number,
 *   outcomes: Outcome[],
 *   times: string[],
 *   marked: ReadonlySet<number>,
 *   selected: number | undefined
 * }} props the last four by `seq` of the step
 */
export function LadderPicture ({ layout, unit, outcomes, times, marked, selected }) {
  const { width, height, lanes, items, timeWidth } = layout
  return html`<svg class="ladder-picture" width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}
    aria-hidden="true" focusable="false">
    ${lanes.map(({ party, x }) =>
      html`<line key=${party} class="ladder-lane" x1=${x} x2=${x} y1="0" y2=${height} />`)}
    ${items.map((item, i) => {
      const right = timeWidth - 10 * unit
      if (item.kind !== 'step') {
        return html`<${Between} key=${`${item.kind}${i}`} item=${item} layout=${layout} unit=${unit} right=${right} />`
      }
      const { seq, via } = item.row
      const names = classes(
        'ladder-arrow',
        `outcome-${outcomes[seq] ?? 'plain'}`,
        `via-${via}`,
        marked.has(seq) && 'is-marked',
        seq === selected && 'is-selected'
      )
      return html`<g key=${seq} class=${names}>
        <text class="ladder-at" x=${right} y=${item.line + 4 * unit} text-anchor="end">${times[seq]}</text>
        <${Line} item=${item} unit=${unit} />
        <${Text} label=${item.label} />
      </g>`
    })}
  </svg>`
}

/**
 * What stands between steps: a silence, or the heading of an attempt.
 * @param {{ item: PauseItem | TitleItem, layout: Layout, unit: number, right: number }} props
 */
function Between ({ item, layout, unit, right }) {
  const middle = item.y + item.height / 2
  if (item.kind === 'pause') {
    return html`<g class="ladder-pause">
      ${layout.lanes.map(({ x }) => html`<rect x=${x - 2} y=${item.y + 2} width="4" height=${item.height - 4} />
        <circle cx=${x} cy=${middle} r="1" /><circle cx=${x} cy=${middle - 4} r="1" />
        <circle cx=${x} cy=${middle + 4} r="1" />`)}
      <text x=${right} y=${middle + 4 * unit} text-anchor="end">${lengthText(item.ms)}</text>
    </g>`
  }
  return html`<g class="ladder-title">
    <line x1="0" x2=${layout.width} y1=${item.y + 6} y2=${item.y + 6} />
    <${Text} label=${item.label} />
  </g>`
}

/** @param {{ label: Label }} props */
const Text = ({ label: { x, y, text, anchor } }) =>
  html`<text class="ladder-text" x=${x} y=${y} text-anchor=${anchor}>${text}</text>`

/** @param {{ item: StepItem, unit: number }} props */
function Line ({ item: { from, to, line }, unit }) {
  if (from === to) return html`<circle class="ladder-dot" cx=${from} cy=${line} r=${3.5 * unit} />`
  const way = Math.sign(to - from)
  const tip = to - way
  const back = tip - way * 7 * unit
  return html`
    <line class="ladder-line" x1=${from} x2=${back} y1=${line} y2=${line} />
    <path class="ladder-tip" d=${`M${tip} ${line}L${back} ${line - 4 * unit}V${line + 4 * unit}Z`} />`
}
