/*
 * What can be done by keyboard everywhere, and the list of all keys.
 */

import { goTo } from './location.js'
import { Dialog, html, useCallback, useEffect, useState } from './ui.js'

const KEYS = [
  ['↓ ↑ or j k', 'next and previous call'],
  ['Home End', 'first and last call, in the table'],
  ['Enter', 'open the call'],
  ['n', 'show new calls that wait'],
  ['Backspace', 'back, from a call'],
  ['/', 'find a call'],
  ['1 … 5', 'Now, Find, Routes, Doctor, Place a call'],
  ['?', 'this list'],
  ['Esc', 'close what is open']
]

/** @param {KeyboardEvent} event */
export function isTyping ({ target, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey || altKey) return true
  return target instanceof HTMLElement && target.closest('input, textarea, select, dialog, [contenteditable]') !== null
}

/** @param {readonly string[]} views in the order of their numbers */
export function useKeys (views) {
  const [isOpen, setOpen] = useState(false)
  const openHelp = useCallback(() => setOpen(true), [])
  const names = views.join(' ')

  useEffect(() => {
    const listener = (/** @type {KeyboardEvent} */ event) => {
      if (isTyping(event)) return
      const view = names.split(' ')[Number(event.key) - 1]
      if (event.key === '?') setOpen(true)
      else if (event.key === '/') find()
      else if (event.key === 'n') document.querySelector('.new-calls')?.dispatchEvent(new MouseEvent('click'))
      else if (event.key === 'Backspace' && location.hash.startsWith('#/call/')) history.back()
      else if (view !== undefined) goTo(`#/${view}`)
      else return
      event.preventDefault()
    }
    addEventListener('keydown', listener)
    return () => removeEventListener('keydown', listener)
  }, [names])

  const help = isOpen && html`<${Dialog} title="Keys" onClose=${() => setOpen(false)}>
    <dl class="keys">${KEYS.map(([keys, does]) => html`<div key=${keys}><dt>${keys}</dt><dd>${does}</dd></div>`)}</dl>
  <//>`
  return { help, openHelp }
}

/** Goes to Find, or to its field when Find is open. */
function find () {
  const field = document.querySelector('main [data-focus]')
  if (location.hash.startsWith('#/find') && field instanceof HTMLElement) field.focus()
  else goTo('#/find')
}
