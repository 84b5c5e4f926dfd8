/*
 * The drawing of a ladder as a file that shows the same in other programs.
 */

import { save } from './api.js'

/** What the style sheet decides about a drawing. */
const STYLES = [
  'fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-linecap', 'stroke-linejoin', 'paint-order', 'opacity',
  'font-family', 'font-size', 'font-weight'
]

const NAMESPACE = 'http://www.w3.org/2000/svg'

/**
 * Saves the drawing that an element shows.
 * @param {HTMLElement | null} frame
 * @param {string} name of the file
 */
export function saveLadder (frame, name) {
  const head = frame?.querySelector('.ladder-head')
  const body = frame?.querySelector('.ladder-picture')
  if (!head || !body) return
  const [headWidth, headHeight] = sizeOf(head)
  const [, bodyHeight] = sizeOf(body)
  const margin = 12
  const file = document.createElementNS(NAMESPACE, 'svg')
  const width = headWidth + 2 * margin
  const height = headHeight + bodyHeight + 2 * margin
  setAll(file, { xmlns: NAMESPACE, width, height, viewBox: `0 0 ${width} ${height}` })

  const ground = document.createElementNS(NAMESPACE, 'rect')
  const colour = getComputedStyle(head).backgroundColor
  setAll(ground, { width: '100%', height: '100%', fill: colour })
  file.append(ground)
  for (const [part, y] of /** @type {[Element, number][]} */ ([[head, margin], [body, margin + headHeight]])) {
    const copy = styledCopy(part)
    setAll(copy, { x: margin, y })
    file.append(copy)
  }
  save(new Blob([new XMLSerializer().serializeToString(file)], { type: 'image/svg+xml' }), name)
}

/** @param {Element} svg @returns {[number, number]} */
const sizeOf = svg => [Number(svg.getAttribute('width')), Number(svg.getAttribute('height'))]

/** @param {Element} element @param {Record<string, string | number>} attributes */
function setAll (element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
}

/** @param {Element} element */
function styledCopy (element) {
  const copy = /** @type {Element} */ (element.cloneNode(true))
  const originals = [element, ...element.querySelectorAll('*')]
  const copies = [copy, ...copy.querySelectorAll('*')]
  for (const [i, original] of originals.entries()) {
    const style = getComputedStyle(original)
    copies[i]?.removeAttribute('class')
    for (const name of STYLES) copies[i]?.setAttribute(name, style.getPropertyValue(name))
  }
  return copy
}
