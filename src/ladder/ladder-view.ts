import { Type, type Static } from 'typebox'
import { cleanDeep } from '../clean-deep.ts'
import type { CallView } from '../calls/view.ts'
import { createFolder } from './fold.ts'
import { partiesOf } from './parties.ts'
import { stepsOfEvents, type StepOfEvent } from './steps.ts'
import { ALL_PARTIES } from './trace.ts'

/*
 * A call's ladder as pages get it: the rows that the terminal shows, with the events that they stand for.
 */

const Party = Type.Enum([...ALL_PARTIES], { type: 'string' })
const Time = Type.String({ format: 'date-time', examples: ['2026-11-21T10:15:30.123Z'] })

export const LadderSchema = Type.Object({
  callSid: Type.String(),
  start: Time,
  parties: Type.Array(Party, { description: 'The lifelines, from left to right' }),
  rows: Type.Array(Type.Object({
    seq: Type.Integer({ description: 'Orders the rows. Times cannot: each host has its own clock' }),
    at: Time,
    ms: Type.Integer({ description: 'Milliseconds since `start`', examples: [412] }),
    from: Party,
    to: Party,
    via: Type.Enum(['sip', 'http', 'room'], { type: 'string' }),
    what: Type.String({ examples: ['180 Ringing'] }),
    count: Type.Integer({ description: 'How often it came in a row, alone or as half of a pair', examples: [5] }),
    event: Type.Optional(Type.Integer({
      description: "Place of the event in the call's `events`; absent: a reply of the bridge, which is no event"
    }))
  }))
}, { $id: 'Ladder', description: 'Who sent what to whom in a call, and when' })
export type LadderView = Static<typeof LadderSchema>

/** The ladder of a call. Of a folded row the event is the first one. */
export function presentLadder (view: CallView): LadderView {
  const call = cleanDeep(view)
  const steps = stepsOfEvents(call)
  const folder = createFolder()
  for (const step of steps) folder.push(step)
  folder.end()

  const start = Math.min(Date.parse(call.at.received ?? ''), ...steps.map(({ at }) => at)) || 0
  return {
    callSid: call.callSid,
    start: new Date(start).toISOString(),
    parties: [...partiesOf(steps, call.direction)],
    rows: folder.rows.map(({ step, count }, seq) => {
      const { at, event, ...told } = step as StepOfEvent
      return {
        seq,
        at: new Date(at).toISOString(),
        ms: Math.max(0, Math.round(at - start)),
        ...told,
        count,
        ...(event === undefined ? {} : { event })
      }
    })
  }
}
