/*
 * Light, dark, or what the system says. The choice is kept on this device; theme.js applies it before the first paint.
 */

/** @typedef {'system' | 'light' | 'dark'} Theme */

/** @type {Record<Theme, { icon: string, says: string }>} */
export const THEMES = {
  system: { icon: 'system', says: 'as the system' },
  light: { icon: 'sun', says: 'light' },
  dark: { icon: 'moon', says: 'dark' }
}

const NAME = 'bridge-theme'
/** @type {Theme[]} */
const ORDER = ['system', 'light', 'dark']

/** @returns {Theme} */
export function chosenTheme () {
  const { theme } = document.documentElement.dataset
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

/** Changes to the next theme, and returns it. */
export function nextTheme () {
  const theme = ORDER[(ORDER.indexOf(chosenTheme()) + 1) % ORDER.length] ?? 'system'
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  try {
    localStorage.setItem(NAME, theme)
  } catch {
    // The choice holds until the page is closed.
  }
  return theme
}
