/*
 * Find: calls under way and ended ones, by what is known of them. The filters stand in the address.
 */

import { filtersOf, findAddress } from './filters.js'
import { FindForm } from './find-form.js'
import { Found } from './find-results.js'
import { useSearch } from './find-search.js'
import { goTo } from './location.js'
import { styleSheet } from './style-sheet.js'
import { Heading, html, useMemo } from './ui.js'

/** @import { Filters } from './filters.js' */
/** @import { ViewProps } from './ui.js' */

await styleSheet('views.css')

/** @param {ViewProps} props */
export default function FindView ({ api, session, place }) {
  const filters = useMemo(() => filtersOf(place.query), [place.hash])
  const search = useSearch(api, filters)
  const find = (/** @type {Filters} */ wanted) => {
    const address = findAddress(wanted)
    if (address === findAddress(filters)) search.again()
    else goTo(address)
  }

  return html`<section class="view find">
    <${Heading} title="Find">Find a call<//>
    <${FindForm} api=${api} filters=${filters} onFind=${find} searching=${search.loading} />
    <${Found} api=${api} session=${session} filters=${filters} search=${search} onFind=${find} />
  </section>`
}
