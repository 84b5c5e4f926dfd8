/*
 * Why a call ended as it did, or what it waits for; and what to do.
 */

import { msText, stepsOf } from './ladder-marks.js'
import { localTime } from './time.js'
import { classes, CopyButton, html, Icon } from './ui.js'

/** @import { Diagnosis, Evidence, NextStep, Picture } from './call-types.js' */

/**
 * @param {{
 *   picture: Picture,
 *   pointed: number | undefined,
 *   onMark: (steps: number[]) => void
 * }} props `pointed`: the step under the pointer, whose evidence stands out. `onMark`: steps of the evidence there
 */
export function DiagnosisPanel ({ picture, pointed, onMark }) {
  const { diagnosis } = picture
  const { evidence, nextSteps, answers, notToldApart, earlierAttempts } = diagnosis
  return html`<section class="panel diagnosis" aria-labelledby="diagnosis-title">
    <h2 id="diagnosis-title">Diagnosis</h2>
    ${diagnosis.meaning && html`<p class="quiet">${diagnosis.meaning}</p>`}
    <${NextSteps} steps=${nextSteps} />
    <${EvidenceList} title="What shows it" evidence=${evidence} picture=${picture} pointed=${pointed}
      onMark=${onMark} />
    ${earlierAttempts.map(attempt => html`<${EarlierAttempt} key=${attempt.attempt} attempt=${attempt}
      picture=${picture} pointed=${pointed} onMark=${onMark} />`)}
    ${notToldApart.length > 0 && html`<div>
      <h3>What could not be told apart</h3>
      <ul class="doubts">${notToldApart.map(doubt => html`<li key=${doubt}>${doubt}</li>`)}</ul>
    </div>`}
    ${answers.length > 0 && html`<${Answers} answers=${answers} />`}
  </section>`
}

/** @param {{ steps: NextStep[] }} props */
function NextSteps ({ steps }) {
  if (steps.length === 0) return null
  return html`<div>
    <h3>What to do</h3>
    <ol class="next-steps">${steps.map(({ todo, command }) => html`<li key=${todo}>
      <p>${todo}</p>
      ${command && html`<p class="command"><code>${command}</code>
        <${CopyButton} class="button-small" text=${command} /></p>`}
    </li>`)}</ol>
  </div>`
}

/**
 * @param {{
 *   title: string,
 *   evidence: Evidence[],
 *   picture: Picture,
 *   pointed: number | undefined,
 *   onMark: (steps: number[]) => void
 * }} props
 */
function EvidenceList ({ title, evidence, picture, pointed, onMark }) {
  if (evidence.length === 0) return null
  return html`<div>
    <h3>${title}</h3>
    <ul class="evidence">${evidence.map((one, i) => html`<${OneEvidence} key=${i} evidence=${one} picture=${picture}
      pointed=${pointed} onMark=${onMark} />`)}</ul>
  </div>`
}

/**
 * @param {{
 *   evidence: Evidence,
 *   picture: Picture,
 *   pointed: number | undefined,
 *   onMark: (steps: number[]) => void
 * }} props
 */
function OneEvidence ({ evidence, picture, pointed, onMark }) {
  const { at, seen, shows, count } = evidence
  const ms = Math.max(0, Date.parse(at) - Date.parse(picture.ladder.start))
  const steps = stepsOf(evidence, picture.ladder, picture.call)
  const isPointed = pointed !== undefined && steps.includes(pointed)
  const text = html`<span class="seen">${seen}</span>
    <span class="shows">${shows}</span>
    <span class="quiet evidence-time">
      <time datetime=${at} title=${localTime(at, { ms: true })}>at ${msText(ms)} ms</time>
      ${count !== undefined && count > 1 && ` · ${count} times`}
      ${steps.length === 0 && ' · nothing came, so no step shows it'}</span>`
  // What did not come is nowhere in the ladder.
  if (steps.length === 0) return html`<li><div class="one-evidence">${text}</div></li>`

  const mark = () => onMark(steps)
  const unmark = () => onMark([])
  return html`<li><button type="button" class=${classes('one-evidence', isPointed && 'is-pointed')}
    onPointerEnter=${mark} onPointerLeave=${unmark} onFocus=${mark} onBlur=${unmark}
    onClick=${() => showStep(steps[0])} title="Go to the step in the ladder">${text}</button></li>`
}

/** @param {number | undefined} seq */
function showStep (seq) {
  const button = document.querySelector(`.ladder-step[data-seq="${seq}"]`)
  if (!(button instanceof HTMLElement)) return
  button.focus({ preventScroll: true })
  button.scrollIntoView({ block: 'center' })
}

/**
 * @param {{
 *   attempt: Diagnosis['earlierAttempts'][number],
 *   picture: Picture,
 *   pointed: number | undefined,
 *   onMark: (steps: number[]) => void
 * }} props
 */
function EarlierAttempt ({ attempt: { attempt, cause, summary, evidence }, picture, pointed, onMark }) {
  return html`<details class="earlier">
    <summary><b>Attempt ${attempt}</b> <span class="cause-failed"><${Icon} name="failed" /> ${cause}</span></summary>
    <p>${summary}</p>
    <${EvidenceList} title="What shows it" evidence=${evidence} picture=${picture} pointed=${pointed}
      onMark=${onMark} />
  </details>`
}

/** @type {Record<string, { icon: string, word: string }>} */
const ANSWERS = {
  yes: { icon: 'good', word: 'yes' },
  no: { icon: 'failed', word: 'no' },
  unknown: { icon: 'unknown', word: 'not known' },
  because: { icon: 'info', word: '' }
}

/** @param {{ answers: Diagnosis['answers'] }} props */
const Answers = ({ answers }) => html`<details class="answers">
  <summary><h3>Questions and answers</h3> <span class="quiet">${answers.length}</span></summary>
  <dl>${answers.map(({ id, question, answer, says }) => {
    const { icon, word } = ANSWERS[answer] ?? { icon: 'unknown', word: answer }
    return html`<div key=${id} class=${`answer-${answer}`}>
      <dt>${question}</dt>
      <dd><${Icon} name=${icon} /> ${word && html`<b>${word}</b>: `}${says}</dd>
    </div>`
  })}</dl>
</details>`
