import type { Cause } from '../calls/fold/vocabulary.ts'
import type { Strategy } from '../calls/fold/way.ts'
import { ALERTS, type NextStep } from './causes-catalogue.ts'

const LONGER_RING: NextStep = { todo: 'Raise `ring` of the way, or DIAL_TIMEOUT_S, if it may ring for longer' }
const REJECTED_BEHIND: NextStep = {
  todo: 'Look at what is behind it: LiveKit, where Retell runs as well, answers 486 when no agent came or a room was ' +
    'closed, not when somebody is busy'
}

/**
 * What to do about a cause where the attempt was of a certain way, instead of the catalogue's own steps.
 * docs/troubleshooting.md has them in the section of the cause.
 */
export const STEPS_OF_WAY: Partial<Record<Cause, Partial<Record<Strategy, NextStep[]>>>> = {
  'sip-unreachable': {
    retell: [
      { todo: "Check RETELL_SIP_HOST, and the firewall from Jambonz's SBC to it (port 5060, tcp)" },
      ALERTS
    ],
    sip: [
      {
        todo: "Check the host, port and transport of the address in the routes file, and the firewall from Jambonz's " +
          'SBC to it'
      },
      ALERTS
    ]
  },
  'dial-timeout': {
    phone: [LONGER_RING, ALERTS],
    carrier: [
      {
        todo: 'Look at what is behind the carrier: whether LiveKit or Retell got the call, and whether its agent ' +
          'answered'
      },
      LONGER_RING,
      ALERTS
    ],
    retell: [
      { todo: "Look for the call in Retell's dashboard: it shows whether the agent got the call" },
      LONGER_RING,
      ALERTS
    ],
    sip: [
      {
        todo: "Check the host, port and transport of the address, and the firewall from Jambonz's SBC to it: a host " +
          'that does not answer looks the same'
      },
      LONGER_RING,
      ALERTS
    ]
  },
  // Whom the caller was dialled through to is not in a room to which an agent could come.
  'person-hung-up': { phone: [], sip: [] },
  busy: { carrier: [REJECTED_BEHIND], retell: [REJECTED_BEHIND] },
  declined: {
    carrier: [
      {
        todo: "Check the carrier in Jambonz's portal: the name must be the one of the route, letter by letter, " +
          'because Jambonz ignores a name that it does not know and dials over another carrier; 603 also means that ' +
          'it has no outbound gateway'
      },
      {
        todo: 'Check that the far end takes this number as Jambonz sends it: 404 means that no trunk or rule there ' +
          'has it, 401, 403 and 407 that it accepts neither these credentials nor this address',
        command: 'bridge provision --list'
      },
      ALERTS
    ],
    retell: [
      {
        todo: '404: an id is valid for five minutes after its registration, and for one call. Check that ' +
          'RETELL_SIP_HOST is the host that belongs to RETELL_API_BASE_URL'
      },
      ALERTS
    ],
    sip: [
      {
        todo: '401 and 407: set the environment variables that `auth` names in the routes file. Without them ' +
          'Jambonz sends no credentials',
        command: 'bridge doctor --only routes'
      },
      { todo: '404: check the user of the address; 503 and 408: check its host, port and transport' },
      ALERTS
    ],
    decline: []
  },
  announced: {
    say: [{
      todo: 'If callers heard nothing, add speech credentials for text-to-speech to Jambonz: without them it skips ' +
        'a `say` and raises an alert',
      command: 'bridge doctor --only routes'
    }],
    play: [{ todo: 'If callers heard nothing, check that Jambonz reaches the URL and that it is a WAV or MP3 file' }]
  }
}
