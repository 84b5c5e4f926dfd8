import type { Finding } from '../finding.ts'
import { header } from '../sip/message.ts'
import { endpointText } from './capture/endpoint.ts'
import type { Seen, SipSeen } from './seen.ts'
import { isDate } from './text/times.ts'

/*
 * A list of packets shows start lines and ends, and neither Call-ID nor CSeq. Which dialog a message belongs to, and
 * which request a response answers, follows from the order, as long as one call at a time is between two ends.
 */

/** A dialog between two ends. */
interface Dialog {
  name: string
  /** The INVITE's URI. */
  uri: string
  /** INVITEs so far. */
  invites: number
  /** Requests that no final response has answered, by who sent them. */
  pending: Array<{ from: string, method: string }>
  state: 'open' | 'challenged' | 'over'
  messages: SipSeen[]
}

const MAX_PENDING = 20
/** Whoever has credentials answers a challenge at once, milliseconds. */
const CHALLENGE_MS = 3000

/** What two ends have to do with each other. */
interface Conversation {
  dialogs: Dialog[]
  /** A second call began while another one was open: nobody can tell which message belongs to which. */
  isMixed: boolean
}

/** Gives messages of packet lists their dialogs. Pure: what it names is copied. */
export function withDialogs (all: readonly Seen[]): { seen: readonly Seen[], findings: Finding[] } {
  const listed = all.filter(isListed)
  if (listed.length === 0) return { seen: all, findings: [] }

  const named = new Map<Seen, SipSeen>()
  const conversations = new Map<string, Conversation>()
  for (const item of listed) takeListed(item, conversationOf(conversations, item), named)
  const mixed = [...conversations.values()].filter(({ isMixed }) => isMixed)
  for (const item of mixed.flatMap(({ dialogs }) => dialogs.flatMap(({ messages }) => messages))) named.delete(item)

  const untimed = filesWithIntervals(listed)
  const seen = all.flatMap((item): Seen[] => {
    if (!isListed(item)) return [item]
    const found = named.get(item)
    if (!found) return []
    return [untimed.has(item.place.file) ? withoutTime(found) : found]
  })
  // Captures say themselves that their packets are cut.
  const lists = listed.filter(({ cut }) => !cut)
  return { seen, findings: lists.length > 0 || mixed.length > 0 ? listFindings(listed, mixed.length > 0) : [] }
}

function withoutTime ({ at: _, ...seen }: SipSeen): SipSeen {
  return seen
}

const isListed = (item: Seen): item is SipSeen => item.kind === 'sip' && item.startLineOnly === true

function conversationOf (
  conversations: Map<string, Conversation>,
  { message, source, destination, place }: SipSeen
): Conversation {
  const ends = [source, destination].map(end => end ? endpointText(end) : '').sort()
  const key = header(message, 'call-id') ?? [place.file, ...ends].join('|')
  const conversation = conversations.get(key) ?? { dialogs: [], isMixed: false }
  conversations.set(key, conversation)
  return conversation
}

function takeListed (item: SipSeen, conversation: Conversation, named: Map<Seen, SipSeen>): void {
  const { message, source } = item
  const from = source ? endpointText(source) : ''
  const dialog = dialogFor(item, conversation)
  if (!dialog) return

  dialog.messages.push(item)
  const method = message.kind === 'request'
    ? takeRequest(dialog, from, message.method)
    : takeResponse(dialog, from, item)
  const cseq = { name: 'CSeq', value: `${Math.max(1, dialog.invites)} ${method}` }
  const headers = header(message, 'cseq') === undefined ? [...message.headers, cseq] : message.headers
  const isNamed = header(message, 'call-id') !== undefined
  named.set(item, { ...item, ...(!isNamed && { dialog: dialog.name }), message: { ...message, headers } })
}

/** The dialog of a message; undefined where it cannot be told. */
function dialogFor (item: SipSeen, conversation: Conversation): Dialog | undefined {
  const { message } = item
  const current = conversation.dialogs.at(-1)
  if (message.kind !== 'request' || message.method !== 'INVITE') return current ?? begin(conversation, item, '')
  if (!current || isNewCall(current, item, message.uri)) return begin(conversation, item, message.uri)
  if (current.uri === message.uri || current.state === 'challenged' || isReInvite(current, item, message.uri)) {
    return current
  }
  conversation.isMixed = true
  return undefined
}

function isNewCall ({ state, uri: before, messages }: Dialog, { at }: SipSeen, uri: string): boolean {
  if (state !== 'challenged') return state === 'over'

  const last = messages.at(-1)?.at
  return uri !== before || (at !== undefined && last !== undefined && at - last > CHALLENGE_MS)
}

/** Once a call is up, an INVITE goes to the Contact of the other end, which is hardly ever a phone number. */
function isReInvite ({ pending }: Dialog, { inDialog }: SipSeen, uri: string): boolean {
  if (inDialog) return true
  const isPending = pending.some(({ method }) => method === 'INVITE')
  return !isPending && !/^\w+:\+?\d{3,20}[@;]/.test(uri)
}

function begin ({ dialogs }: Conversation, { place: { file, at }, cut }: SipSeen, uri: string): Dialog {
  const dialog: Dialog = {
    name: `at ${cut ? 'frame' : 'line'} ${at} of ${file}`,
    uri,
    invites: 0,
    pending: [],
    state: 'open',
    messages: []
  }
  dialogs.push(dialog)
  return dialog
}

function takeRequest (dialog: Dialog, from: string, method: string): string {
  const isRepeated = dialog.pending.some(open => open.from === from && open.method === method)
  if (method === 'ACK' || isRepeated) return method
  // Whoever leaves so many requests open reads no answers.
  if (dialog.pending.length === MAX_PENDING) dialog.pending.shift()

  dialog.pending.push({ from, method })
  if (method === 'INVITE') {
    dialog.invites++
    dialog.state = 'open'
  }
  return method
}

/** Which request a response answers: the list may say so; else the latest one of the other end that is open. */
function takeResponse (dialog: Dialog, from: string, { message, answers }: SipSeen): string {
  if (message.kind !== 'response') return ''

  const { status } = message
  const open = dialog.pending.filter(request => request.from !== from)
  // Only an INVITE that was cancelled is answered with 487 (RFC 3261 15.1.2).
  const wanted = answers ?? (status === 487 ? 'INVITE' : open.at(-1)?.method) ?? 'INVITE'
  if (status < 200) return wanted

  dialog.pending = dialog.pending.filter(request => request.from === from || request.method !== wanted)
  if (wanted === 'BYE') dialog.state = 'over'
  if (wanted === 'INVITE' && status >= 300) dialog.state = status === 401 || status === 407 ? 'challenged' : 'over'
  return wanted
}

/** Files whose times are the seconds since the packet before (tshark -t d): they go back and mean nothing here. */
function filesWithIntervals (listed: readonly SipSeen[]): Set<string> {
  const last = new Map<string, number>()
  const files = new Set<string>()
  for (const { at, place: { file } } of listed) {
    if (at === undefined || isDate(at)) continue
    if (at < (last.get(file) ?? at)) files.add(file)
    last.set(file, at)
  }
  return files
}

const WHOLE_PACKETS = 'Give the capture itself, or export the packets with their details'

function listFindings (listed: readonly SipSeen[], isMixed: boolean): Finding[] {
  const files = [...new Set(listed.map(({ place }) => place.file))].join(', ')
  const mixed = isMixed
    ? ' Several calls run between the same ends at a time, and without Call-ID nobody can tell them apart: they are ' +
      'left out.'
    : ''
  return [{
    code: 'start-lines-only',
    severity: 'skipped',
    seen: `${files} lists packets with their start lines only: what headers and bodies say is not known.${mixed}`,
    todo: WHOLE_PACKETS,
    command: 'tshark -r call.pcap -Y sip -V'
  }]
}
