/*
 * The token of this tab. It is kept in sessionStorage alone: closing the tab forgets it.
 */

const NAME = 'bridge-token'

/**
 * A browser that forbids storage asks for the token at each load.
 * @template T
 * @param {() => T} use
 * @returns {T | undefined}
 */
function storage (use) {
  try {
    return use()
  } catch {
    return undefined
  }
}

export const keptToken = () => storage(() => sessionStorage.getItem(NAME)) ?? undefined

/** @param {string} token */
export const keepToken = token => storage(() => sessionStorage.setItem(NAME, token))

export const forgetToken = () => storage(() => sessionStorage.removeItem(NAME))
