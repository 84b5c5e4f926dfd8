import { llm, voice } from '@livekit/agents'
import { newsOf, refusalOf } from './news.ts'
import type { Transfers } from './transfers.ts'

/*
 * The tools of a model. The example agent has none, and calls the same methods when keys are pressed; put these into
 * your agent. Each one returns at once what was begun. What comes of it arrives later: see `tellModel`.
 */

const BRIEF = {
  type: 'string',
  description: 'What the person must know: who calls, what they want, what was tried. No more than three sentences.'
} as const

/** For the agent that talks with the caller. */
export const callerTools = (transfers: Transfers) => {
  const who = { type: 'string', enum: transfers.people.names, description: 'Whom to call' } as const
  const oneOf = { type: 'object', properties: { who }, required: ['who'] } as const

  return {
    consult_person: llm.tool({
      description:
        'Calls a person. A colleague of yours talks with them first, while the caller hears music. Tell the caller.',
      parameters: { type: 'object', properties: { who, brief: BRIEF }, required: ['who', 'brief'] } as const,
      execute: ({ who, brief }: { who: string, brief: string }) =>
        said(() => transfers.begin('consult', who, brief), 'The person is being called.')
    }),
    complete_transfer: llm.tool({
      description: 'Brings the person who is being consulted to the caller. You leave the call.',
      execute: () => said(() => transfers.complete(), 'The person joins the caller.')
    }),
    cancel_transfer: llm.tool({
      description: 'Stops calling or consulting the person. You go on talking with the caller.',
      execute: () => said(() => transfers.cancel(), 'Nobody is called any more.')
    }),
    add_person: llm.tool({
      description: 'Calls a person into this call. You stay, and all three hear each other.',
      parameters: oneOf,
      execute: ({ who }: { who: string }) => said(() => transfers.begin('add', who), 'The person is being called.')
    }),
    blind_transfer: llm.tool({
      description: 'Puts the caller through to a person without asking. Say goodbye first.',
      parameters: oneOf,
      execute: ({ who }: { who: string }) => said(() => transfers.begin('blind', who), 'The caller is put through.')
    }),
    screened_transfer: llm.tool({
      description: 'Puts the caller through to a person, who hears who calls and may refuse. Tell the caller.',
      parameters: { type: 'object', properties: { who, brief: BRIEF }, required: ['who', 'brief'] } as const,
      execute: ({ who, brief }: { who: string, brief: string }) =>
        said(() => transfers.begin('screen', who, brief), 'The caller is put through.')
    }),
    send_digits: llm.tool({
      description: 'Presses keys on the phone, for example in a menu: 0-9, * and #, w waits for half a second.',
      parameters: { type: 'object', properties: { digits: { type: 'string' } }, required: ['digits'] } as const,
      execute: ({ digits }: { digits: string }) => said(() => transfers.sendDigits(digits), 'The keys were pressed.')
    }),
    hang_up: llm.tool({
      description: 'Ends the call. Say goodbye first.',
      execute: () => said(() => transfers.hangUp(), 'The call ends.')
    })
  }
}

/** For the agent that talks with the person. */
export const personTools = (decide: { complete: () => Promise<unknown>, cancel: () => Promise<unknown> }) => ({
  complete_transfer: llm.tool({
    description: 'The person wants to talk with the caller: brings them together. Say that you do.',
    execute: () => said(decide.complete, 'The person joins the caller.')
  }),
  cancel_transfer: llm.tool({
    description: 'The person does not want to talk with the caller: ends this call. Say goodbye first.',
    execute: () => said(decide.cancel, 'The call ends.')
  })
})

/** What a model hears of a step. Errors are sentences too: a model can do nothing with an exception. */
async function said (act: () => Promise<unknown>, done: string): Promise<string> {
  try {
    await act()
    return done
  } catch (error) {
    return refusalOf(error)
  }
}

/** For `onNews` of {@link Transfers}: has the model say to the caller what has become of the person. */
export const tellModel = (session: voice.AgentSession) => (transfer: Parameters<typeof newsOf>[0]): void => {
  const instructions = newsOf(transfer)
  if (instructions) session.generateReply({ instructions })
}
