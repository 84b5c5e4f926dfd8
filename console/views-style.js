/*
 * The style of the views that are not part of the first paint. A view waits for it, so that it never appears without.
 */

/** @type {Promise<void>} */
export const styled = new Promise(resolve => {
  const link = document.createElement('link')
  link.rel = 'stylesheet'
  link.href = new URL('views.css', import.meta.url).href
  link.onload = link.onerror = () => resolve()
  document.head.append(link)
})
