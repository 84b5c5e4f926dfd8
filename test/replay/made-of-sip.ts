import { jsons, number, text, texts, type Json } from './json.ts'
import { userOf, type Hook, type HookPath } from './recording.ts'

/*
 * Some recordings show a SIP call to LiveKit without a Jambonz. These are the hooks that a Jambonz would have sent
 * whose dial got these SIP messages, in the order and with the fields of the recordings that have one.
 */

interface Message {
  at: number
  outgoing: boolean
  start: string
  headers: Record<string, string>
}

/** Undefined: there is no call to LiveKit in the recording. */
export function hooksOfSip (recorded: Json): Hook[] | undefined {
  const messages = jsons(recorded['sip']).map((message): Message => ({
    at: number(message['at_ms']) ?? 0,
    outgoing: message['dir'] === '>',
    start: text(message['start']) ?? '',
    headers: texts(message['headers'])
  }))
  const invite = messages.find(({ start, outgoing }) => outgoing && start.startsWith('INVITE '))
  if (!invite) return undefined
  const jambonz = pretend(invite)
  let answered = false
  for (const [i, message] of messages.entries()) {
    const before = messages.slice(0, i)
    if (before.some(({ start }) => /^(BYE|CANCEL)/.test(start))) break
    const rang = before.some(({ start }) => start.includes(' 180 '))
    const answeredAgain = messages.slice(i).some(({ start }) => start.startsWith('INVITE'))
    const challenged = message.start.includes(' 407 ') && answeredAgain
    if (!challenged) answered ||= react(jambonz, message, rang, answered)
  }
  return jambonz.hooks
}

interface Pretended {
  hooks: Hook[]
  status(at: number, leg: 'caller' | 'agent', callStatus: string, sipStatus: number, extra?: Json): void
  action(at: number, dialStatus: string, dialSipStatus: number, callerStatus: string, rang: boolean): void
}

/** @returns whether the call is answered by this message */
function react (jambonz: Pretended, { at, outgoing, start }: Message, rang: boolean, answered: boolean): boolean {
  const code = Number(/^SIP\/2.0 (\d+)/.exec(start)?.[1])
  if (start.startsWith('CANCEL')) {
    jambonz.status(at + 10, 'caller', 'no-answer', 487, { call_termination_by: 'caller' })
    jambonz.action(at + 11, 'no-answer', 487, 'no-answer', rang)
    jambonz.status(at + 12, 'agent', 'no-answer', 487)
  } else if (start.startsWith('BYE') && outgoing) {
    jambonz.status(at + 10, 'caller', 'completed', 200, { call_termination_by: 'caller' })
    jambonz.action(at + 11, 'completed', 200, 'completed', true)
    jambonz.status(at + 12, 'agent', 'completed', 200)
  } else if (start.startsWith('BYE')) {
    jambonz.status(at + 10, 'agent', 'completed', 200)
    jambonz.action(at + 11, 'completed', 200, 'in-progress', true)
    jambonz.status(at + 12, 'caller', 'completed', 200, { call_termination_by: 'jambonz' })
  } else if (outgoing || answered) {
    return false
  } else if (code === 180) {
    jambonz.status(at + 10, 'agent', 'ringing', 180)
  } else if (code === 200) {
    jambonz.status(at + 10, 'agent', 'in-progress', 200)
    jambonz.status(at + 11, 'caller', 'in-progress', 200)
    return true
  } else if (code >= 400) {
    refused(jambonz, at, code, start.split(' ').slice(2).join(' '), rang)
  }
  return false
}

function refused (jambonz: Pretended, at: number, code: number, reason: string, rang: boolean): void {
  const result = code === 486 ? 'busy' : 'failed'
  jambonz.status(at + 10, 'agent', result, code, { sip_reason: reason })
  jambonz.action(at + 11, result, code, 'trying', rang)
  jambonz.status(at + 12, 'caller', 'failed', 480, { call_termination_by: 'jambonz' })
}

/** A Jambonz with one call, whose dial sent this INVITE. */
function pretend ({ start, headers }: Message): Pretended {
  const token = userOf(start.split(' ')[1]) ?? ''
  const callSid = headers['x-lk-call'] ?? 'd00d8a36-93f1-4a61-b3df-000000000001'
  const legSid = headers['x-call-sid'] ?? 'd00d8a36-93f1-4a61-b3df-000000000002'
  const from = userOf(/<([^>]*)>/.exec(headers['from'] ?? '')?.[1]) ?? 'anonymous'
  const caller = { call_sid: callSid, direction: 'inbound', from, to: '+15551230000', call_id: 'caller-leg' }
  const agent = {
    call_sid: legSid,
    parent_call_sid: callSid,
    direction: 'outbound',
    from,
    to: `sip:${token}@livekit.example.com;transport=tcp`,
    call_id: 'agent-leg'
  }
  const account = { account_sid: 'acct-1', application_sid: 'app-1' }
  const hooks = [hook('/livekit-api', 0, {
    ...caller,
    ...account,
    sip: { headers: {}, method: 'INVITE' },
    sip_status: 100,
    sip_reason: 'Trying',
    call_status: 'trying'
  })]
  hooks[0]!.verbs = [{ verb: 'dial', id: 'livekit-dial', target: [{ type: 'sip', sipUri: agent.to }] }]
  const jambonz: Pretended = {
    hooks,
    status (at, leg, callStatus, sipStatus, extra = {}) {
      const body = leg === 'caller' ? caller : agent
      const status = { sip_status: sipStatus, sip_reason: '', call_status: callStatus }
      hooks.push(hook('/status', at, { ...body, ...account, ...status, ...extra }))
    },
    action (at, dialStatus, dialSipStatus, callerStatus, rang) {
      hooks.push(hook('/action', at, {
        ...caller,
        ...account,
        call_status: callerStatus,
        verb_id: 'livekit-dial',
        dial_call_status: dialStatus,
        dial_sip_status: dialSipStatus,
        dial_call_sid: legSid,
        ...(rang ? { dial_sbc_callid: 'agent-leg' } : {})
      }))
    }
  }
  jambonz.status(1, 'caller', 'trying', 100)
  jambonz.status(2, 'agent', 'trying', 100)
  return jambonz
}

/** A hook that no Jambonz sent: it has no signature, and the program that plays it makes one. */
export function hook (path: HookPath, at: number, body: Json): Hook {
  return { at, path, headers: {}, body: JSON.stringify(body), verbs: [], status: undefined, repliedAt: undefined }
}
