/** What people ask of a call. */
export const QUESTIONS = {
  'call-placed': 'Did Jambonz place the call?',
  'callee-rang': "Did the callee's phone ring?",
  'callee-answered': 'Did the callee answer?',
  'who-answered': 'Did a person or a machine answer?',
  'invite-sent': 'Was the INVITE sent?',
  registered: 'Did Retell register the call?',
  'livekit-answer': 'Did LiveKit answer it, and what?',
  'far-end-answer': 'Did the far end answer it, and what?',
  'announcement-heard': 'Did the caller hear the announcement?',
  headers: 'Did the headers arrive?',
  'sip-participant': 'Did the SIP participant join?',
  'agent-dispatched': 'Was an agent dispatched?',
  'agent-joined': 'Did the agent join?',
  'agent-published': 'Did the agent publish audio?',
  'why-487': 'Why 487?',
  'why-480': 'Why 480?',
  'why-so-soon': 'Why was it over so soon?',
  'why-no-call-hook': 'Why was there no call hook?',
  'why-no-action': 'Why was there no /action?'
} as const
export type Question = keyof typeof QUESTIONS

export interface Answer {
  id: Question
  question: string
  answer: 'yes' | 'no' | 'unknown' | 'because'
  says: string
}

/** An answer before it has its question. */
export type Said = [answer: Answer['answer'], says: string]
