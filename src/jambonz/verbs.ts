import { Type, type Static } from 'typebox'

/*
 * The verbs that the bridge sends (jambonz-feature-server validates them with @jambonz/verb-specifications; one
 * property too many and the call is refused with 480). Only properties that every server since 2023 knows, but
 * srtpEncryption.
 */

const Auth = Type.Object({ username: Type.String(), password: Type.String() }, { additionalProperties: false })

export const DialSchema = Type.Object({
  verb: Type.Literal('dial'),
  id: Type.String({ description: 'The attempt; comes back as `verb_id`', examples: ['attempt-1'] }),
  target: Type.Array(
    Type.Union([
      Type.Object({
        type: Type.Literal('sip'),
        sipUri: Type.String({ examples: ['sip:c3f6zq2x7m4n5kd2aobr2w7gtha@sip.example.com;transport=tcp'] }),
        auth: Type.Optional(Auth)
      }, { additionalProperties: false }),
      Type.Object({
        type: Type.Literal('phone'),
        number: Type.String({ examples: ['+15551230009'] }),
        trunk: Type.Optional(Type.String({ description: 'Name of the carrier', examples: ['MyCarrier'] }))
      }, { additionalProperties: false })
    ]),
    { minItems: 1, maxItems: 1 }
  ),
  actionHook: Type.String(),
  referHook: Type.Optional(Type.String()),
  confirmHook: Type.Optional(Type.String()),
  answerOnBridge: Type.Boolean(),
  anchorMedia: Type.Boolean(),
  timeout: Type.Integer({ description: 'Seconds' }),
  timeLimit: Type.Integer({ description: 'Seconds' }),
  callerId: Type.Optional(Type.String()),
  dialMusic: Type.Optional(Type.String()),
  headers: Type.Record(Type.String(), Type.String()),
  srtpEncryption: Type.Optional(Type.Literal('sdes'))
}, { $id: 'Dial', additionalProperties: false })
export type Dial = Static<typeof DialSchema>

export const DeclineSchema = Type.Object({
  verb: Type.Literal('sip:decline'),
  status: Type.Integer({ minimum: 400, maximum: 699, examples: [480] }),
  reason: Type.String({ examples: ['Agent Unavailable'] })
}, { $id: 'Decline', additionalProperties: false })
export type Decline = Static<typeof DeclineSchema>

export const SipReferSchema = Type.Object({
  verb: Type.Literal('sip:refer'),
  referTo: Type.String({ examples: ['+15559998888'] }),
  referredBy: Type.Optional(Type.String({ examples: ['+15551230000'] })),
  actionHook: Type.String()
}, { $id: 'SipRefer', additionalProperties: false })

const Synthesizer = Type.Object({
  vendor: Type.String({ description: "`default`: the application's", examples: ['default'] }),
  language: Type.Optional(Type.String({ examples: ['de-DE'] })),
  voice: Type.Optional(Type.String())
}, { additionalProperties: false })

export const SaySchema = Type.Object({
  verb: Type.Literal('say'),
  text: Type.String({ examples: ['Nobody is here. Please call again tomorrow.'] }),
  synthesizer: Type.Optional(Synthesizer)
}, { $id: 'Say', additionalProperties: false })

export const PlaySchema = Type.Object({
  verb: Type.Literal('play'),
  url: Type.String({ examples: ['https://example.com/closed.wav'] })
}, { $id: 'Play', additionalProperties: false })

/** What a caller hears instead of talking with somebody. */
export type Announcement = Static<typeof SaySchema> | Static<typeof PlaySchema>

export const RedirectSchema = Type.Object({
  verb: Type.Literal('redirect'),
  id: Type.String({ description: 'The attempt; comes back as `verb_id`', examples: ['attempt-1'] }),
  actionHook: Type.String()
}, { $id: 'Redirect', additionalProperties: false })

export const PauseSchema = Type.Object({
  verb: Type.Literal('pause'),
  length: Type.Number({ description: 'Seconds', examples: [1] })
}, { $id: 'Pause', additionalProperties: false })

export const GatherSchema = Type.Object({
  verb: Type.Literal('gather'),
  input: Type.Array(Type.Literal('digits')),
  numDigits: Type.Integer(),
  timeout: Type.Integer({ description: 'Seconds' }),
  actionHook: Type.String(),
  say: Type.Optional(Type.Object({ text: Type.String(), synthesizer: Type.Optional(Synthesizer) })),
  play: Type.Optional(Type.Object({ url: Type.String() }))
}, { $id: 'Gather', additionalProperties: false })

/** Changes nothing. In the dial's confirm session it accepts the call (recorded on feature-server 0.9.8). */
export const ConfigSchema = Type.Object({ verb: Type.Literal('config') }, {
  $id: 'Config',
  additionalProperties: false
})

export const HangupSchema = Type.Object({ verb: Type.Literal('hangup') }, {
  $id: 'Hangup',
  additionalProperties: false
})

export const VerbsSchema = Type.Array(
  Type.Union([
    Type.Unsafe<Dial>(Type.Ref('Dial')),
    Type.Unsafe<Decline>(Type.Ref('Decline')),
    Type.Unsafe<Static<typeof SipReferSchema>>(Type.Ref('SipRefer')),
    Type.Unsafe<Static<typeof SaySchema>>(Type.Ref('Say')),
    Type.Unsafe<Static<typeof PlaySchema>>(Type.Ref('Play')),
    Type.Unsafe<Static<typeof RedirectSchema>>(Type.Ref('Redirect')),
    Type.Unsafe<Static<typeof PauseSchema>>(Type.Ref('Pause')),
    Type.Unsafe<Static<typeof GatherSchema>>(Type.Ref('Gather')),
    Type.Unsafe<Static<typeof ConfigSchema>>(Type.Ref('Config')),
    Type.Unsafe<Static<typeof HangupSchema>>(Type.Ref('Hangup'))
  ]),
  {
    $id: 'Verbs',
    description: 'A Jambonz application: verbs that run one after another',
    examples: [[
      {
        verb: 'dial',
        id: 'attempt-1',
        target: [{
          type: 'sip',
          sipUri: 'sip:c3f6zq2x7m4n5kd2aobr2w7gtha@sip.example.com;transport=tcp',
          auth: { username: 'jambonz', password: '…' }
        }],
        actionHook: 'https://bridge.example.com/action?call=d00d8a36&attempt=1#rc=2&rp=all',
        referHook: 'https://bridge.example.com/refer?call=d00d8a36',
        answerOnBridge: true,
        anchorMedia: true,
        timeout: 40,
        timeLimit: 7200,
        callerId: '+15550001111',
        dialMusic: 'tone_stream://L=20;%(2000,4000,440,480)',
        headers: { 'X-LK-Call': 'd00d8a36-93f1-4a61-b3df-98751116d97a' }
      },
      { verb: 'sip:decline', status: 480, reason: 'Agent Unavailable' }
    ]]
  }
)
export type Verbs = Static<typeof VerbsSchema>

/**
 * Ends a leg that has just been answered: a leg that is ended within some 10 ms may stay connected to nobody (recorded
 * with sbc-outbound 0.9.9).
 * @param afterS pause before it, seconds
 */
export const hangUpAfter = (afterS: number): Verbs => [{ verb: 'pause', length: afterS }, { verb: 'hangup' }]

export const decline = (status: number, reason: string): Verbs => [{ verb: 'sip:decline', status, reason }]
