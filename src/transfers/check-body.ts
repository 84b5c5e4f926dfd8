import { createBodyProblem } from '../body-problems.ts'
import { encodingProblem, headersProblem, lineProblem } from '../request-texts.ts'
import { TransferBodyError } from './errors.ts'
import { EXPECTED, MODES_OF, type TransferBody } from './transfer-body.ts'

/*
 * What a schema cannot say of the body of a transfer, and the words for what is wrong with one.
 */

/** Says what is wrong with a body that does not fit the schema. */
export const bodyProblem = createBodyProblem({
  expected: EXPECTED,
  required: { to: 'the number of the person', mode: `how the caller is transferred, ${EXPECTED.mode}` },
  example: '{"to": "+15550003333", "mode": "blind"}'
})

/**
 * Checks what the schema cannot.
 * @throws {TransferBodyError}
 */
export function checkBody (body: TransferBody): void {
  const problem = modeProblem(body) ?? promptProblem(body) ?? textProblem(body) ?? headersProblem(body.headers)
  if (problem !== undefined) throw new TransferBodyError(problem)
}

/** What the person would not hear is a mistake. */
function modeProblem (body: TransferBody): string | undefined {
  const { mode } = body
  for (const [name, modes] of Object.entries(MODES_OF)) {
    if (Object.hasOwn(body, name) && !modes.includes(mode)) {
      return `${name} does not go with mode ${mode}, only with ${modes.join(', ')}.`
    }
  }
  return undefined
}

function promptProblem ({ mode, say, play, language }: TransferBody): string | undefined {
  if (mode !== 'screen') return undefined
  if (say !== undefined && play !== undefined) return 'say and play do not go together. Leave one of them out.'
  return language !== undefined && say === undefined ? 'language goes with say: a recording has its own.' : undefined
}

function textProblem (body: TransferBody): string | undefined {
  for (const name of ['agent', 'carrier', 'play'] as const) {
    const problem = lineProblem(body[name] ?? '')
    if (problem !== undefined) return `${name} has ${problem}.`
  }
  for (const name of ['brief', 'say'] as const) {
    const problem = encodingProblem(body[name] ?? '')
    if (problem !== undefined) return `${name} has ${problem}.`
  }
  return undefined
}
