/*
 * How much room a ladder has, and how much its texts need.
 */

import { useLayoutEffect, useState } from './ui.js'

/**
 * The width that a ladder has, and the fonts of its texts.
 * @param {{ current: HTMLElement | null }} frame
 */
export function useSize (frame) {
  const [size, setSize] = useState({ width: 0, font: fontsOf(14, 0) })
  useLayoutEffect(() => {
    const element = frame.current
    if (!element) return
    const read = () => {
      const px = Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
      const width = element.clientWidth
      setSize(before =>
        before.width === width && before.font.px === px ? before : { width, font: fontsOf(px, width) })
    }
    read()
    const observer = new ResizeObserver(read)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return size
}

/** Below this width the texts are smaller, px at a font size of 14 px. */
const SMALL = 560

/**
 * The fonts as call.css has them.
 * @param {number} px size of the page's font
 * @param {number} width
 */
function fontsOf (px, width) {
  const unit = px / 14
  const isSmall = width < SMALL * unit
  const { fontFamily } = getComputedStyle(document.documentElement)
  const font = (/** @type {number} */ rem, weight = 400) => `${weight} ${rem * px}px ${fontFamily}`
  return {
    px,
    unit,
    isSmall,
    // Failures are a little bolder.
    label: font(isSmall ? 0.79 : 0.9, 550),
    name: font(isSmall ? 0.79 : 0.9, 650),
    who: font(0.8),
    time: font(isSmall ? 0.76 : 0.86)
  }
}

const context = document.createElement('canvas').getContext('2d')
/** @type {Map<string, Map<string, number>>} */
const widths = new Map()

/** How wide a text is in a font. @param {string} font @returns {(text: string) => number} */
export function measureIn (font) {
  const known = widths.get(font) ?? new Map()
  widths.set(font, known)
  return text => {
    let width = known.get(text)
    if (width === undefined) {
      if (context) context.font = font
      width = Math.ceil(context?.measureText(text).width ?? text.length * 7)
      if (known.size < 20_000) known.set(text, width)
    }
    return width
  }
}
