import type { TransferMode, TransferReason } from '../calls/fold/vocabulary.ts'
import type { NextStep } from './catalogue-entry.ts'

/** What a reason means, and what to do about it. docs/troubleshooting.md has a row for each. */
export interface ReasonEntry {
  meaning: string
  fix: NextStep[]
}

export const REASONS_OF_TRANSFERS: Record<TransferReason, ReasonEntry> = {
  completed: { meaning: 'Caller and person are connected.', fix: [] },
  busy: {
    meaning: 'The phone of the person was busy, or the carrier said so.',
    fix: [{ todo: 'Have the agent say so, and offer somebody else or a call back' }]
  },
  declined: {
    meaning: 'The person did not take the call: by declining it, by pressing another key than 1, or by hanging up ' +
      'before the transfer was completed. Or a machine answered, or the agent that talked with the person ended ' +
      'their call.',
    fix: [
      { todo: 'Have the agent say so, and offer somebody else or a call back' },
      { todo: 'In mode `screen`, keep short what people hear before they press a key' },
      { todo: 'In mode `consult`, have the agent speak first when the person answers' }
    ]
  },
  'no-answer': {
    meaning: 'The person did not answer in time or was not available, or answered a screened call and pressed no key.',
    fix: [
      { todo: 'Raise `ring` of the transfer if the phone may ring for longer' },
      { todo: 'In mode `screen`, say at the end of the prompt which key takes the call: the time for it begins there' }
    ]
  },
  'person-hung-up': {
    meaning: 'The person hung up after the transfer was completed, and before being connected with the caller.',
    fix: [
      {
        todo: 'Have the agent say that the caller follows. bridge_transfer_join_seconds shows how long people wait ' +
          'for the caller'
      }
    ]
  },
  'caller-gone': {
    meaning: 'The caller hung up before the person was reached. The person was hung up on.',
    fix: [{ todo: 'Have the agent say what happens, and play music while the person is called' }]
  },
  cancelled: { meaning: 'Somebody cancelled the transfer, or the call was ended over an API.', fix: [] },
  refused: {
    meaning: 'The carrier or Jambonz refused: the call to the person, or the REFER.',
    fix: [
      {
        todo: 'Dial the number yourself through the same Jambonz carrier: it may need another format, or a carrier ' +
          'that may call it'
      },
      {
        todo: 'In mode `refer`, ask the carrier whether it supports REFER on this trunk. If it does not, use `blind` ' +
          'or `consult`, which need nothing of the carrier'
      }
    ]
  },
  error: {
    meaning: 'Something failed that is neither the doing of the person nor of the caller. `detail` says what.',
    fix: [
      {
        todo: 'Check the Jambonz REST settings, PUBLIC_URL and AGENT_API_URL',
        command: 'bridge doctor --only transfers'
      },
      {
        todo: 'Jambonz must reach <PUBLIC_URL>/redirect, /screen and /screen-digit: publish them like the other hooks'
      }
    ]
  }
}

/** What to do about a reason. A step that begins with a mode is for that mode alone. */
export const stepsOfReason = (reason: TransferReason, mode: TransferMode): NextStep[] =>
  REASONS_OF_TRANSFERS[reason].fix.filter(({ todo }) => {
    const [, only] = /^In mode `([a-z]+)`/.exec(todo) ?? []
    return only === undefined ? mode !== 'refer' : only === mode
  })
