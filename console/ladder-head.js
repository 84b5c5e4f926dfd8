/*
 * The heads of a ladder's lanes.
 */

import { cut, nameOf } from './ladder-layout.js'
import { measureIn } from './ladder-size.js'
import { html } from './ui.js'

/** @import { Call } from './call-types.js' */
/** @import { Layout } from './ladder-layout.js' */

/**
 * The names of the lanes, and below them who that is.
 * @param {{ layout: Layout, unit: number, head: string, call: Call, font: string }} props
 */
export function LadderHead ({ layout, unit, head, call, font }) {
  const { width, timeWidth, lanes } = layout
  const measure = measureIn(font)
  const height = 38 * unit
  return html`<svg class="ladder-head" width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}
    aria-hidden="true" focusable="false">
    <text class="ladder-unit" x=${timeWidth - 10 * unit} y=${18 * unit} text-anchor="end">${head}</text>
    ${lanes.map(({ party, x, name }, i) => {
      const before = x - ((lanes[i - 1]?.x ?? 2 * timeWidth - x) + x) / 2
      const behind = ((lanes[i + 1]?.x ?? 2 * width - x) + x) / 2 - x
      const who = shortened(whoIs(party, call), 2 * Math.min(before, behind) - 6, measure)
      return html`<g key=${party}>
        <text class="ladder-name" x=${x} y=${name.y + 7 * unit} text-anchor="middle">${name.text}</text>
        ${who && html`<text class="ladder-who" x=${x} y=${name.y + 21 * unit}
          text-anchor="middle">${who}</text>`}
        <title>${nameOf(party)}</title>
      </g>`
    })}
  </svg>`
}

/**
 * Of a number the end tells more than the beginning.
 * @param {string} who
 * @param {number} most
 * @param {(text: string) => number} measure
 */
function shortened (who, most, measure) {
  if (measure(who) <= most) return who
  const short = /^\+?\d+$/.test(who) ? `…${who.slice(-4)}` : cut(who, most, measure)
  return measure(short) <= most && short.length > 3 ? short : ''
}

/** @param {string} party @param {Call} call */
function whoIs (party, call) {
  if (party === 'caller') return call.from === 'anonymous' ? 'withheld' : call.from
  if (party === 'callee') return call.to
  if (party === 'agent') return call.agent ?? ''
  if (party === 'person') return call.calledFor ? call.to : call.transfers?.at(-1)?.to ?? ''
  if (party === 'phone' || party === 'carrier') return call.attempts.findLast(({ number }) => number)?.number ?? ''
  return ''
}
