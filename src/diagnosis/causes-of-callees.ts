import type { Cause } from '../calls/fold/vocabulary.ts'
import { ALERTS, type CatalogueEntry } from './catalogue-entry.ts'

/** Causes of the calls in which somebody is called. */
export type CalleeCause = Extract<
  Cause,
  | 'callee-hung-up'
  | 'agent-gave-up'
  | 'no-answer'
  | 'number-unobtainable'
  | 'carrier-failed'
  | 'not-allowed'
  | 'not-placed'
  | 'machine-answered'
>

export const CAUSES_OF_CALLEES: Record<CalleeCause, CatalogueEntry> = {
  'callee-hung-up': {
    severity: 'ok',
    meaning: 'The callee hung up. If nobody was connected to the callee yet, what the call was waiting for shows ' +
      'what was slow or missing.',
    signals: 'Of an outbound call: the first leg is `completed` by `caller`, as Jambonz calls the callee there. Of a ' +
      'call that an agent makes: the leg that Jambonz dialled is `completed` first.',
    fix: []
  },
  'agent-gave-up': {
    severity: 'warning',
    meaning: 'LiveKit ended a call that an agent makes before the callee answered: its ringing timeout was over, the ' +
      'agent removed the participant, or the room was deleted.',
    signals: 'The first leg is `no-answer` 487 by `caller`, which is LiveKit in such a call.',
    fix: [
      {
        todo: 'If the callee should have had more time, raise `ringing_timeout` of CreateSIPParticipant, and `ring` ' +
          'of what the bridge dials'
      },
      { todo: 'The agent must stay in its room, and leave the participant there, until the callee has answered' }
    ]
  },
  'no-answer': {
    severity: 'ok',
    meaning: 'The callee did not answer in time, or was not available.',
    signals: "The callee's leg ends with 487 (not answered in time), 480 (not available), or 408 after it rang.",
    fix: [
      { todo: 'Raise `ring` of the order, or of the way, if the phone may ring for longer' },
      {
        todo: 'If it ended before that time, the carrier gave up by itself: many do after 30 to 60 s. 480 at once ' +
          'means a phone that is off, or one that is not registered'
      }
    ]
  },
  'number-unobtainable': {
    severity: 'failed',
    meaning: 'The number does not exist, or the carrier has no way to it.',
    signals: "The callee's leg ends with 404, 410, 484, 485 or 604.",
    fix: [
      { todo: 'Check the number: 410 and 604 mean that nobody has it, 484 that digits are missing' },
      {
        todo: 'Dial it yourself through the same Jambonz carrier. Some carriers want numbers without the +, or in ' +
          "their own national form: the carrier's settings in Jambonz change that"
      },
      ALERTS
    ]
  },
  'carrier-failed': {
    severity: 'failed',
    meaning: 'The carrier could not place the call, or did not respond.',
    signals: "The callee's leg ends with a status that says nothing of the callee, such as 401, 500 or 503, or with " +
      '408 and had not rung.',
    fix: [
      {
        todo: "Check the carrier in Jambonz's portal: its outbound gateway, its credentials (401, 407), its address " +
          '(408, 503)'
      },
      { todo: 'Ask the carrier: it may have too few channels, a block on this country, or no credit left' },
      ALERTS
    ]
  },
  'not-allowed': {
    severity: 'warning',
    meaning: 'The bridge did not let the agent make this call: the number policy does not allow it, or there is no ' +
      'carrier or no number of ours to call with.',
    signals: 'The bridge declined the call hook, with 403 for the number and 503 for what is missing, and Jambonz ' +
      'dialled nobody.',
    fix: [
      {
        todo: '403: if the number may be called, allow it under `policy` in the routes file',
        command: 'bridge routes check'
      },
      { todo: '503: name one of our numbers under `numbers` in the routes file, and set OUTBOUND_CARRIER' }
    ]
  },
  'not-placed': {
    severity: 'failed',
    meaning: 'The ordered call was not placed: Jambonz refused it, or was not asked. Nobody was called.',
    signals: "createCall was answered with an error, or was not sent: Jambonz's API was busy for too long, " +
      '`notAfter` had passed, or the bridge stopped before.',
    fix: [
      {
        todo: 'Check the Jambonz application, the REST settings and the carrier of the order',
        command: 'bridge doctor --only application'
      },
      {
        todo: 'If too many calls were ordered at once, order them more slowly, or raise JAMBONZ_REST_PER_MINUTE to ' +
          'what your Jambonz allows'
      },
      { todo: 'Order the call again: this one was never dialled' }
    ]
  },
  'machine-answered': {
    severity: 'ok',
    meaning: 'A machine answered, and the order says to hang up then (`onMachine: hangup`).',
    signals: 'Voicemail detection of Jambonz, or the agent, said `machine`, and the bridge hung up.',
    fix: []
  }
}
