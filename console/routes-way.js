/*
 * One way of a route.
 */

import { html } from './ui.js'

/** @param {{ kind: string, words: string, more: { name: string, words: string }[] }} props see routes-words.js */
export const Way = ({ kind, words, more }) => html`<span class="way-kind">${kind}</span> <span>${words}</span>
  ${more.map(({ name, words }) => html`<span key=${name} class="way-more">${name} ${words}</span>`)}`
