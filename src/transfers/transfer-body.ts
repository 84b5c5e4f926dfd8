import { Type, type Static } from 'typebox'
import { AFTER_PERSON } from '../calls/fold/transfers.ts'
import { TRANSFER_MODES, type TransferMode } from '../calls/fold/vocabulary.ts'

/*
 * The body of a request for a transfer. This schema is what requests are checked with and what the OpenAPI document
 * shows.
 */

/** Longest texts, characters. */
const LONGEST = { to: 256, name: 100, brief: 4096, say: 1000, url: 2048, headerValue: 256 }
const MOST_HEADERS = 16

/** A person is not let ring longer: the agent and the caller wait. */
const LONGEST_RING_S = 120

const name = (description: string, examples: string[]) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: LONGEST.name, pattern: '\\S', description, examples }))

export const TransferBodySchema = Type.Object({
  to: Type.String({
    minLength: 1,
    maxLength: LONGEST.to,
    description:
      "The person's number, in any spelling; with `blind`, `screen` and `refer` also a SIP address. The number " +
      'policy of the routes file decides about it',
    examples: ['+15550003333']
  }),
  mode: Type.Enum([...TRANSFER_MODES], {
    type: 'string',
    description:
      '`blind`: Jambonz dials the caller through. `refer`: the carrier moves the call. `screen`: as `blind`, and the ' +
      'person presses 1 to take the call. `consult`: an agent talks with the person first. `add`: the person joins ' +
      'the caller and the agent'
  }),
  brief: Type.Optional(Type.String({
    maxLength: LONGEST.brief,
    description: '`consult`: what the agent should know that talks with the person. In its job metadata',
    examples: ['Alice asks for a refund of order 4711']
  })),
  agent: name(
    '`consult`: name of the LiveKit agent that talks with the person. Default: the agent of the caller, with its ' +
      'metadata',
    ['my-agent']
  ),
  afterPerson: Type.Optional(Type.Enum([...AFTER_PERSON], {
    type: 'string',
    description:
      'What becomes of a caller whom the person leaves alone. `end` (the default): the call ' +
      'ends. `agent`: an agent is called again'
  })),
  say: Type.Optional(Type.String({
    minLength: 1,
    maxLength: LONGEST.say,
    pattern: '\\S',
    description:
      '`screen`: what Jambonz says to the person before the key. Needs a speech service in Jambonz. Default, without ' +
      '`play`: an English sentence that asks for the key',
    examples: ['Alice calls about order 4711. Press 1 to take the call.']
  })),
  language: Type.Optional(Type.String({
    pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$',
    description: 'Language of `say`',
    examples: ['en-US']
  })),
  play: Type.Optional(Type.String({
    maxLength: LONGEST.url,
    pattern: '^https?://[^\\s/?#]+',
    description: '`screen`: URL of a recording that the person hears instead of `say`',
    examples: ['https://example.com/press-1.mp3']
  })),
  ring: Type.Optional(Type.Integer({
    minimum: 1,
    maximum: LONGEST_RING_S,
    description: "How long the person's phone may ring, seconds. Default: DIAL_TIMEOUT_S",
    examples: [30]
  })),
  from: Type.Optional(Type.String({
    minLength: 1,
    maxLength: LONGEST.to,
    description:
      'Number that the person sees: one of `numbers` in the routes file, in any spelling. Default: the first of them',
    examples: ['+15551230000']
  })),
  carrier: name('Name of the Jambonz carrier. Default: OUTBOUND_CARRIER, then the only one there is', ['MyCarrier']),
  headers: Type.Optional(
    Type.Record(Type.String(), Type.String({ maxLength: LONGEST.headerValue }), {
      maxProperties: MOST_HEADERS,
      description: `X- headers of the INVITE to the person, at most ${MOST_HEADERS}. Jambonz' own names are refused`,
      examples: [{ 'X-Case': '4711' }]
    })
  )
}, {
  $id: 'TransferRequest',
  description: 'A transfer of the caller to a person',
  additionalProperties: false,
  examples: [{ to: '+15550003333', mode: 'consult', brief: 'Alice asks for a refund of order 4711' }]
})
export type TransferBody = Static<typeof TransferBodySchema>

/** What belongs into each property, for messages. */
export const EXPECTED: Record<keyof TransferBody, string> = {
  to: `a text of 1 to ${LONGEST.to} characters with a phone number, such as "+15550003333"`,
  mode: `one of ${TRANSFER_MODES.join(', ')}`,
  brief: `a text of at most ${LONGEST.brief} characters`,
  agent: `the name of an agent, a text of 1 to ${LONGEST.name} characters`,
  afterPerson: `one of ${AFTER_PERSON.join(', ')}`,
  say: `a text of 1 to ${LONGEST.say} characters`,
  language: 'a language such as "en-US"',
  play: `a URL that begins with http:// or https://, of at most ${LONGEST.url} characters`,
  ring: `whole seconds from 1 to ${LONGEST_RING_S}`,
  from: `a text of 1 to ${LONGEST.to} characters with one of your own numbers`,
  carrier: `the name of a Jambonz carrier, a text of 1 to ${LONGEST.name} characters`,
  headers: `an object of at most ${MOST_HEADERS} texts of at most ${LONGEST.headerValue} characters`
}

/**
 * What somebody would miss in another mode. The rest says nothing where a mode has no use for it, so that one tool of
 * an agent can serve every mode.
 */
export const MODES_OF: Partial<Record<keyof TransferBody, readonly TransferMode[]>> = {
  say: ['screen'],
  language: ['screen'],
  play: ['screen']
}
