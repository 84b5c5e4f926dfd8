/*
 * A list of thousands of rows that all have the same height. Only those in sight are in the document.
 */

import { html, useCallback, useLayoutEffect, useRef, useState } from './ui.js'

/** @import { VNode } from './vendor/preact.js' */

/** Rows that are drawn beyond each edge, so that quick scrolling shows no gaps. */
const BEYOND = 6
/** Rows come and go by so many at a time, so that not each step of scrolling draws. */
const STEP = 4

/**
 * The height of a row is the length `--row` of the stylesheet. The page itself scrolls.
 * @template T
 * @param {{
 *   items: readonly T[],
 *   row: (item: T, index: number, top: number) => VNode<any>,
 *   pinned?: number,
 *   class?: string,
 *   reveal?: { index: number },
 *   role?: string
 * }} props `pinned`: a row that stays in the document, because it has the focus. `reveal`: scrolls to this row when
 *   the object is another one
 */
export function VirtualList ({ items, row, pinned = -1, class: extra, reveal, role = 'rowgroup' }) {
  const element = useRef(/** @type {HTMLDivElement | null} */ (null))
  const [{ first, last, height }, setRange] = useState({ first: 0, last: 40, height: 0 })

  const rowHeight = useRef(0)
  const measure = useCallback(() => {
    const list = element.current
    if (!list) return
    rowHeight.current ||= Number.parseFloat(getComputedStyle(list).getPropertyValue('--row')) || 36
    const height = rowHeight.current
    const top = list.getBoundingClientRect().top
    const first = Math.max(0, Math.floor((-top / height - BEYOND) / STEP) * STEP)
    const last = Math.max(0, Math.ceil(((innerHeight - top) / height + BEYOND) / STEP) * STEP)
    setRange(before => {
      const same = before.first === first && before.last === last && before.height === height
      return same ? before : { first, last, height }
    })
  }, [])

  useLayoutEffect(() => {
    let frame = 0
    const later = () => {
      cancelAnimationFrame(frame)
      frame = requestAnimationFrame(measure)
    }
    const resized = () => {
      rowHeight.current = 0
      later()
    }
    measure()
    // The page grows when the list does, and when something above the list does.
    const observer = new ResizeObserver(later)
    observer.observe(document.body)
    addEventListener('scroll', later, { passive: true, capture: true })
    addEventListener('resize', resized)
    return () => {
      cancelAnimationFrame(frame)
      observer.disconnect()
      removeEventListener('scroll', later, { capture: true })
      removeEventListener('resize', resized)
    }
  }, [measure])

  useLayoutEffect(() => {
    if (reveal && element.current) scrollToRow(element.current, reveal.index, height)
  }, [reveal])

  const indices = []
  for (let index = first; index < Math.min(last, items.length); index++) indices.push(index)
  if (pinned >= 0 && pinned < items.length && (pinned < first || pinned >= last)) indices.push(pinned)

  return html`<div ref=${element} class=${extra} role=${role} style=${{ height: `${items.length * height}px` }}>
    ${indices.map(index => row(/** @type {T} */ (items[index]), index, index * height))}
  </div>`
}

/**
 * @param {HTMLElement} list
 * @param {number} index
 * @param {number} height
 */
function scrollToRow (list, index, height) {
  const top = list.getBoundingClientRect().top + index * height
  const style = getComputedStyle(list)
  const above = Number.parseFloat(style.scrollMarginTop) || 0
  const below = Number.parseFloat(style.scrollMarginBottom) || 0
  if (top < above) scrollBy({ top: top - above })
  else if (top + height > innerHeight - below) scrollBy({ top: top + height - innerHeight + below })
}
