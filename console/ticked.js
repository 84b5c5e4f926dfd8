/*
 * Texts of the bridge, in which `names of settings` and the like stand between backticks.
 */

import { html } from './ui.js'

/** @param {{ text?: string }} props */
export const Ticked = ({ text = '' }) => html`<span>${partsOf(text).map(({ code, text }, index) =>
  code ? html`<code key=${index}>${text}</code>` : text)}</span>`

/**
 * The parts of a text, and which of them stand between backticks. One without a partner is text.
 * @param {string} text
 * @returns {{ code: boolean, text: string }[]}
 */
export const partsOf = text => text.split(/(`[^`]+`)/).filter(part => part !== '').map(part =>
  part.length > 2 && part.startsWith('`') && part.endsWith('`')
    ? { code: true, text: part.slice(1, -1) }
    : { code: false, text: part })
