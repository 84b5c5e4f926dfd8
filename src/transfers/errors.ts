import createError from '@fastify/error'

/*
 * Why a transfer is not begun, completed or cancelled. What orders of calls are refused for as well is in
 * src/errors.ts.
 */

/** A request for a transfer cannot be read. The message names the property and what belongs there. */
export const TransferBodyError = createError<[string]>('BRIDGE_TRANSFER_BODY', '%s', 400)

export const TransferNotFoundError = createError<[callSid: string, id: string]>(
  'BRIDGE_TRANSFER_NOT_FOUND',
  'Call %s has no transfer %s.',
  404
)

export const NotConnectedError = createError<[string]>(
  'BRIDGE_NOT_CONNECTED',
  'Call %s cannot be transferred now: nobody there talks with an agent in a LiveKit room of the bridge.',
  409
)

export const TransferOpenError = createError<[callSid: string, id: string]>(
  'BRIDGE_TRANSFER_OPEN',
  'Call %s has an open transfer (%s). Complete or cancel it, or wait for its result.',
  409
)

/** Somebody calls one person after another, or a program goes round in a circle. */
export const TooManyTransfersError = createError<[callSid: string, most: number]>(
  'BRIDGE_TOO_MANY_TRANSFERS',
  'Call %s has had %s transfers, and gets no more.',
  409
)

/** A person who was called for a transfer is not transferred. */
export const PersonCallError = createError<[callSid: string, callersCallSid: string]>(
  'BRIDGE_PERSON_CALL',
  'Call %s is the call of a person who was called for a transfer. Ask for a transfer of the call of the caller, %s.',
  409
)

export const NotConsultingError = createError<[string]>('BRIDGE_NOT_CONSULTING', '%s', 409)

/** The agent was lost, and the route goes on with a phone or an announcement. */
export const CallerNotInRoomError = createError<[string]>(
  'BRIDGE_CALLER_NOT_IN_ROOM',
  'The caller of call %s is in no LiveKit room of the bridge now, so nobody can join. Cancel the transfer.',
  409
)

export const TransferCompletingError = createError<[string]>(
  'BRIDGE_TRANSFER_COMPLETING',
  'Transfer %s is being completed and cannot be cancelled any more. Wait for its result.',
  409
)

export const TransferFinishedError = createError<[id: string, result: string]>(
  'BRIDGE_TRANSFER_FINISHED',
  'Transfer %s is over. Its result: %s.',
  409
)
