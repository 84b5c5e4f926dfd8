/** @type {Map<string, Promise<void>>} */
const sheets = new Map()

/**
 * Loads a style sheet beside this module, once. Resolves also when it cannot be loaded: a plain view is better than
 * none.
 * @param {string} name
 * @returns {Promise<void>}
 */
export function styleSheet (name) {
  const known = sheets.get(name)
  if (known) return known
  const loaded = new Promise(resolve => {
    const link = document.createElement('link')
    link.rel = 'stylesheet'
    link.href = new URL(name, import.meta.url).href
    link.onload = link.onerror = () => resolve(undefined)
    document.head.append(link)
  })
  sheets.set(name, /** @type {Promise<void>} */ (loaded))
  return /** @type {Promise<void>} */ (loaded)
}
