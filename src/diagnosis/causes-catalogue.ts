import type { Cause } from '../calls/fold/vocabulary.ts'
import { ALERTS, type CatalogueEntry, type NextStep } from './catalogue-entry.ts'
import { CAUSES_OF_CALLEES } from './causes-of-callees.ts'
import { CAUSES_OF_TRANSFERS } from './causes-of-transfers.ts'

export { ALERTS, type CatalogueEntry, type NextStep }

const PROVISION: NextStep = {
  todo: "Compare LiveKit's trunk and rule with the settings",
  command: 'bridge provision --plan'
}
const PROBE: NextStep = { todo: 'Call LiveKit directly, without Jambonz', command: 'bridge probe' }
/** Every cause; docs/troubleshooting.md has a section for each. */
export const CATALOGUE: Record<Cause, CatalogueEntry> = {
  'caller-hung-up': {
    severity: 'ok',
    meaning: 'The caller hung up after talking with the agent.',
    signals: 'The caller leg is `completed` by `caller` after the answer, before the agent leg.',
    fix: []
  },
  'agent-hung-up': {
    severity: 'ok',
    meaning: 'The agent ended the call, or somebody deleted its room or removed the caller from it. Where a route ' +
      'led elsewhere than to a room of the bridge: the far end hung up.',
    signals: 'The agent leg is `completed` first: `/action` reports `completed` while the caller leg is still ' +
      '`in-progress`; the SIP participant left with `ROOM_DELETED` or `PARTICIPANT_REMOVED`. Or the agent asked the ' +
      'bridge to hang up.',
    fix: []
  },
  'operator-hung-up': {
    severity: 'ok',
    meaning: "Somebody ended the call through an API: this bridge's or Jambonz's.",
    signals: 'Somebody asked the bridge to hang up; or the caller leg is `completed` by `jambonz` before the agent ' +
      'leg, and the bridge did not cause it.',
    fix: []
  },
  'agent-lost': {
    severity: 'failed',
    meaning: 'The agent left the room, or its process died, while the caller was on the line, and no other agent ' +
      'took over.',
    signals: 'The AGENT participant left before the caller did, and not because the room was closed: ' +
      '`CLIENT_INITIATED` = it left by itself, `CONNECTION_TIMEOUT` = its process had died about 20 s earlier.',
    fix: [
      {
        todo: "Look in the worker's log at that time for a crash, a lack of memory, a deployment that ended jobs, " +
          'or a session that closed early'
      },
      { todo: 'To end a call, the agent must delete its room: if it only leaves, the caller is left in silence' },
      {
        todo: 'AGENT_REJOIN_MS sets when another agent is dispatched, AGENT_LOST_ACTION sets what happens to the ' +
          'caller'
      }
    ]
  },
  'media-lost': {
    severity: 'failed',
    meaning: 'LiveKit hung up because no audio came from the caller for longer than its media timeout.',
    signals: 'The agent leg is `completed` first, and the SIP participant left with `CLIENT_INITIATED` and ' +
      '`sip.callStatus: hangup`, not because its room was closed.',
    fix: [
      {
        todo: "Let RTP through: open UDP in both directions between Jambonz's media servers (rtpengine) and " +
          "LiveKit's SIP addresses, and announce public addresses in the SDP"
      },
      {
        todo: "Raise the trunk's media timeout to 120 s, because a caller on hold may send no RTP",
        command: 'bridge provision --plan'
      },
      PROBE
    ]
  },
  redirected: {
    severity: 'ok',
    meaning: 'Jambonz sent the caller elsewhere: by a `redirect` verb, or by `call_hook` through its REST API.',
    signals: 'A new call hook for the same call; or the agent leg is `completed`, `/action` reports the caller leg ' +
      'as `in-progress`, and the caller leg continues without the bridge.',
    fix: []
  },
  'time-limit': {
    severity: 'ok',
    meaning: 'The call reached its time limit: MAX_CALL_DURATION_S, `longest` of its order, or that of the number ' +
      'policy.',
    signals: "The agent leg is `completed` first, when the dial's time limit has passed since its answer. Of an " +
      "ordered call: the callee's leg is `completed` by `jambonz` when that time has passed.",
    fix: [{ todo: 'Raise MAX_CALL_DURATION_S, or `longest` of the order, if calls may last longer' }]
  },
  transferred: {
    severity: 'ok',
    meaning: 'The agent transferred the caller to somebody else, and the carrier carried out the transfer.',
    signals: "The agent's REFER reached `/refer`; `/refer-complete` reports `refer_status` 2xx and a final status " +
      'of 2xx, or the caller leg ended and no failure was reported.',
    fix: []
  },
  'transfer-failed': {
    severity: 'failed',
    meaning: 'The agent asked for a transfer, and the carrier did not carry it out.',
    signals: '`/refer-complete` reports `refer_status` 300 or more, a final status of 300 or more, or 202 and then ' +
      'nothing for 15 s.',
    fix: [
      {
        todo: 'Ask the carrier whether it supports REFER on this trunk, and which number format it expects; 603 ' +
          'and 405 mean that it does not'
      },
      {
        todo: "Judge a transfer by /refer-complete, never by the reply of LiveKit's API: it reports success for " +
          'refused transfers and failure for successful ones'
      }
    ]
  },
  'caller-gave-up': {
    severity: 'failed',
    meaning: 'The caller hung up before anybody answered. What the call was waiting for at that moment shows what ' +
      'was slow or missing.',
    signals: 'The caller leg is `no-answer` 487 by `caller` before the answer. `waitingOn` says what the call was ' +
      'waiting for.',
    fix: []
  },
  'livekit-no-route': {
    severity: 'failed',
    meaning: 'LiveKit received the INVITE and found no trunk or no dispatch rule for it.',
    signals: '404; or a single `ringing` followed by silence, with no SIP participant in the room. (While LiveKit ' +
      'waits for an agent, `ringing` repeats every second.)',
    fix: [
      PROVISION,
      {
        todo: "Check that the inbound trunk has `numbers: []` and no address list that excludes Jambonz's SBC, and " +
          'that the Callee rule is bound to it by trunk id, has the prefix LIVEKIT_ROOM_PREFIX, and has no PIN, no ' +
          'randomness and no inbound_numbers (which list callers)'
      },
      {
        todo: 'On LiveKit Cloud, set LIVEKIT_SIP_HOST to the project id without p_, from the same project as ' +
          'LIVEKIT_URL, and not to its websocket name',
        command: 'lk project list --json'
      }
    ]
  },
  'no-agent': {
    severity: 'failed',
    meaning: 'The caller was in the room, LiveKit rang, and no agent joined, or none that stayed.',
    signals: 'A SIP participant joined, no AGENT participant did, and `ringing` repeated every second until ' +
      "Jambonz's dial timeout (487) or LiveKit's own (486). Or the agent that had waited for the call in the room " +
      'left before it was answered, and no other one came.',
    fix: [
      {
        todo: "Check that a worker is running with this LiveKit project's URL and key, and is registered under " +
          'exactly this agent name: its log says "registered worker" with the name'
      },
      {
        todo: 'Check that a worker is free: it looks the same when all of them are busy, or when one takes longer ' +
          'to start than the caller waits'
      },
      { todo: 'Dispatch the agent to a test room, without a caller', command: 'bridge doctor --only agent' }
    ]
  },
  'agent-without-audio': {
    severity: 'failed',
    meaning: 'The agent joined but published no audio track. LiveKit answers a call only when it has audio to play.',
    signals: 'SIP and AGENT participants joined, the agent published no AUDIO track, and `ringing` repeated every ' +
      'second.',
    fix: [
      {
        todo: 'The agent must start its session, which publishes its audio, before it waits for the caller, for ' +
          '`sip.callStatus: active` or for anything else: docs/agents.md'
      },
      {
        todo: "Read the worker's log for this job: a model or an API that fails while the session starts has the " +
          'same effect'
      }
    ]
  },
  'room-closed': {
    severity: 'failed',
    meaning: 'The room was deleted or closed while LiveKit rang.',
    signals: 'The SIP participant left with `ROOM_DELETED` or a similar reason while ringing, or the room was ' +
      'gone; then 486 well before any ringing timeout.',
    fix: [
      {
        todo: 'Find out who deletes rooms while they ring: another service with the same LiveKit key, a clean-up ' +
          'job, the agent itself, or a second bridge with the same LIVEKIT_ROOM_PREFIX'
      }
    ]
  },
  'livekit-refused-credentials': {
    severity: 'failed',
    meaning: "LiveKit's inbound trunk did not accept the user name and password of the INVITE.",
    signals: 'The agent leg fails with 401 (wrong name or password) or 407 (none were sent).',
    fix: [
      {
        todo: 'Set LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD to those of the trunk, or create new ones for ' +
          'both sides',
        command: 'bridge provision --rotate'
      },
      PROBE
    ]
  },
  'livekit-overloaded': {
    severity: 'failed',
    meaning: "LiveKit's SIP service could not take the call at that moment.",
    signals: 'The agent leg fails with 503 and one of LiveKit\'s own phrases: "Try again later" or "Service ' +
      'temporarily unavailable".',
    fix: [
      {
        todo: '"Try again later": on your own server, check livekit-server and its Redis; two trunks that match ' +
          'the same call have the same effect',
        command: 'bridge provision --list'
      },
      { todo: '"Service temporarily unavailable": the plan\'s limit of concurrent calls is reached' },
      { todo: 'Set FALLBACK_NUMBER so that callers reach somebody in the meantime' }
    ]
  },
  'sip-unreachable': {
    severity: 'failed',
    meaning: "The INVITE did not reach LiveKit's SIP service, or the SIP address of the route, or nothing came back.",
    signals: 'The agent leg fails with 503 "DNS Error" or another phrase that is not LiveKit\'s, with 408, or it ' +
      'is dialled and never rings.',
    fix: [
      {
        todo: 'Check LIVEKIT_SIP_HOST: on LiveKit Cloud it is <project id without p_>.sip.livekit.cloud, 11 ' +
          'characters; the websocket name and its suffix also resolve and answer OPTIONS, but no calls',
        command: 'lk project list --json'
      },
      {
        todo: "Check LIVEKIT_SIP_TRANSPORT, and the firewall from Jambonz's SBC to port 5060 (udp, tcp) or 5061 (tls)",
        command: 'bridge probe'
      },
      PROBE
    ]
  },
  'media-mismatch': {
    severity: 'failed',
    meaning: 'The two ends share no codec, or do not agree on encryption.',
    signals: "The agent leg fails with 400 after ringing, or with 488; on the caller's own side, the caller leg " +
      'fails with 488 and no agent leg was dialled.',
    fix: [
      {
        todo: 'Offer PCMU, PCMA or G.722: LiveKit accepts nothing else. If the caller leg failed with 488, the ' +
          'carrier offers none of them to Jambonz'
      },
      {
        todo: "Encryption must be the same on both sides: LIVEKIT_SIP_SRTP and the trunk's media encryption",
        command: 'bridge provision --plan'
      }
    ]
  },
  'dial-timeout': {
    severity: 'failed',
    meaning: "What was dialled did not answer within the way's `ring`, or else DIAL_TIMEOUT_S; nothing more precise " +
      'is known.',
    signals: 'The agent leg is `no-answer` 487 while the caller was still waiting: Jambonz cancelled it. Either ' +
      "the agent and its audio were in the room, or LiveKit's side was not seen.",
    fix: [
      {
        todo: 'Have LiveKit send its webhooks to <PUBLIC_URL>/livekit-events: they distinguish a missing agent, a ' +
          'silent one and a missing route'
      },
      { todo: 'Raise DIAL_TIMEOUT_S, or `ring` of the way, if agents need longer to start' },
      PROBE
    ]
  },
  busy: {
    severity: 'failed',
    meaning: 'What was dialled was busy: a number, a carrier, a SIP address, or a callee.',
    signals: "An attempt of another way than `room`, or the callee's leg, ends with 486 or 600.",
    fix: [{
      todo: 'Add a further way to the route; the attempts before show why this one was needed'
    }]
  },
  declined: {
    severity: 'failed',
    meaning: 'What was dialled did not accept the call; or the route itself declines such calls, which is no failure.',
    signals: 'An attempt of another way than `room` ends with a final status other than 486, 600 and 487; the ' +
      "callee's leg ends with 403, 603, 607 or 608; or the way is `decline`.",
    fix: [
      {
        todo: "Dial the number yourself through the same Jambonz carrier: 404 and 484 point to the number's " +
          "format, 403 to the carrier's permissions or the caller id, 603 to a carrier without an outbound gateway"
      },
      ALERTS
    ]
  },
  'livekit-failed': {
    severity: 'failed',
    meaning: 'LiveKit refused the call or failed in a way that no other cause describes.',
    signals: 'The agent leg ends with 500, an early 486 while the room still exists, or any other final status; or ' +
      "LiveKit's API could not create the room and nothing else could be dialled.",
    fix: [
      {
        todo: '486 while ringing is LiveKit\'s "Rejected", never "busy": check the agent first, then what else can ' +
          'close the room'
      },
      {
        todo: 'If the room could not be created, check LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET and the ' +
          'clock of this machine',
        command: 'bridge doctor --only livekit-api'
      },
      PROBE
    ]
  },
  'media-server-failed': {
    severity: 'failed',
    meaning: 'Jambonz could not dial: its media server (FreeSWITCH) did not accept the call.',
    signals: 'The caller leg failed, with no agent leg, no `/action` and no decline by the bridge.',
    fix: [
      {
        todo: 'Check that FreeSWITCH is running and reachable from feature-server, whose log says "crankback: ' +
          'media server failure"'
      },
      ALERTS
    ]
  },
  'reply-refused': {
    severity: 'failed',
    meaning: 'Jambonz did not run the verbs in the reply to its call hook. A caller got a 480; a callee, who had ' +
      'answered, was hung up on.',
    signals: 'No event of any kind after the reply to the call hook, and no SIP participant, although this ' +
      "application reports statuses. Of an outbound call: the callee's leg is `completed` by `jambonz` right after " +
      'the reply, and no agent leg was dialled.',
    fix: [
      {
        todo: "Jambonz's alerts name the reason: INVALID_APP_PAYLOAD or WEBHOOK_… with this call_sid as target",
        command: 'bridge calls <callSid> --fetch'
      },
      { todo: 'LIVEKIT_SIP_SRTP needs feature-server 0.9.8 or newer: an older one refuses the whole reply' },
      {
        todo: 'Every proxy between Jambonz and the bridge must pass replies through unchanged, with status 200 and ' +
          'application/json, within 10 s'
      }
    ]
  },
  'retell-failed': {
    severity: 'failed',
    meaning: 'Retell did not register the call, so nobody could be dialled.',
    signals: "Retell's API refused the registration, failed, or did not answer in time. The detail says which.",
    fix: [
      {
        todo: 'Check the environment variable that `key` names in the routes file, and the agent id: Retell\'s ' +
          'dashboard has both',
        command: 'bridge doctor --only routes'
      },
      { todo: 'If Retell did not answer, check that this machine reaches RETELL_API_BASE_URL' }
    ]
  },
  ...CAUSES_OF_CALLEES,
  ...CAUSES_OF_TRANSFERS,
  announced: {
    severity: 'ok',
    meaning: 'The route ended with an announcement, and Jambonz hung up after it.',
    signals: 'The caller leg is `completed` by `jambonz` behind a `say` or `play` of the route.',
    fix: []
  },
  capacity: {
    severity: 'warning',
    meaning: 'The bridge declined the call because MAX_CALLS calls were already under way.',
    signals: "The bridge's own decline; no attempt was opened.",
    fix: [{ todo: 'Raise MAX_CALLS, or let Jambonz or the carrier try another route on CAPACITY_STATUS' }]
  },
  draining: {
    severity: 'warning',
    meaning: 'The bridge declined the call because it was shutting down.',
    signals: "The bridge's own decline after SIGTERM.",
    fix: [{
      todo: 'Run two replicas, and take one out of the load balancer before it stops: DRAIN_DELAY_S must be longer ' +
        'than the load balancer needs to notice'
    }]
  },
  'bridge-error': {
    severity: 'failed',
    meaning: 'The bridge itself failed to answer the call hook properly and declined the call, or the call came ' +
      'back to it too often.',
    signals: "The bridge's own decline: 480, or 482 for a loop.",
    fix: [
      { todo: 'Find the call\'s callSid in the bridge\'s log: "operation failed" says where' },
      { todo: 'A loop (482) comes from a Jambonz application that redirects to the bridge each time the call ends' }
    ]
  },
  lost: {
    severity: 'failed',
    meaning: 'No more events arrived for the call, and nothing shows how it ended.',
    signals: 'Only a deadline ended it: neither the statuses nor `/action` nor LiveKit reported its end.',
    fix: [
      {
        todo: "Check that the Jambonz application's status hook is <PUBLIC_URL>/status#rc=2&rp=all with POST, and " +
          'that Jambonz reaches this bridge at PUBLIC_URL',
        command: 'bridge doctor --only application,public-url'
      },
      {
        todo: "Check that LiveKit's webhooks go to <PUBLIC_URL>/livekit-events",
        command: 'bridge doctor --only livekit-events'
      },
      {
        todo: 'Of an ordered call that got no call_sid: look for it in Jambonz before you order it again, because ' +
          'Jambonz may have dialled'
      },
      ALERTS
    ]
  }
}
