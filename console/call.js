import { Heading, html, Notice } from './ui.js'

/** @import { ViewProps } from './ui.js' */

/** @param {ViewProps} _props */
export default function CallView (_props) {
  return html`<section class="view">
    <${Heading}>Call<//>
    <${Notice}>This part of the console is not here yet.<//>
  </section>`
}
