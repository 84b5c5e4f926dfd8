/*
 * All calls of a search as a file.
 */

import { exportPath } from './filters.js'
import { html, Icon, Problem, useEffect, useRef, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Filters } from './filters.js' */

/** @typedef {'csv' | 'json'} Format */

/** @param {{ api: Api, filters: Filters }} props */
export function ExportButtons ({ api, filters }) {
  const [state, setState] = useState(/** @type {{ format?: Format, bytes: number, error?: unknown }} */ ({ bytes: 0 }))
  const running = useRef(/** @type {AbortController | undefined} */ (undefined))
  useEffect(() => () => running.current?.abort(), [])

  const start = async (/** @type {Format} */ format) => {
    const controller = running.current = new AbortController()
    setState({ format, bytes: 0 })
    try {
      const onProgress = (/** @type {number} */ bytes) => setState({ format, bytes })
      await api.download(exportPath(filters, format), `calls.${format}`, { signal: controller.signal, onProgress })
      setState({ bytes: 0 })
    } catch (error) {
      setState({ bytes: 0, ...(controller.signal.aborted ? {} : { error }) })
    }
  }

  const { format, bytes, error } = state
  return html`<div class="exports">
    <span role="status" class="quiet">
      ${format !== undefined && `${format.toUpperCase()}: ${sizeInWords(bytes)} so far`}
    </span>
    ${format !== undefined
      ? html`<button type="button" class="button button-small" onClick=${() => running.current?.abort()}>
          Cancel
        </button>`
      : (/** @type {const} */ (['csv', 'json'])).map(format => html`<button key=${format} type="button"
          class="button button-small" title="All calls that the search finds, not only those below"
          onClick=${() => start(format)}><${Icon} name="download" />${format.toUpperCase()}</button>`)}
    ${error && html`<${Problem} error=${error} />`}
  </div>`
}

/** @param {number} bytes */
export const sizeInWords = bytes => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
